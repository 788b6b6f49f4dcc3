"""libvirt's domains: their XML, the list of them, and the changes that give one a console."""
