"""What tests are made of: a private libvirtd, emulators, demo guests, a portal, and a look-out for leaks."""
