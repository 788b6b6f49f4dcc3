"""``libvirt-webrtc doctor``: everything that a console needs of the machine, looked at. Nothing is changed."""
