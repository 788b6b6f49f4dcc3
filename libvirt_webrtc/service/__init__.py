"""The service: libvirt's domains, their workers, and the portal put together."""
