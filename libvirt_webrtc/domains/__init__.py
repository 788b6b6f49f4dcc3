"""libvirt's domains: their XML, the inventory of those there are, and the change that gives one a console."""
