"""libvirt's hook: what it does with a domain's XML, and its installation."""
