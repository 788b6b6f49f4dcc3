"""The checks of ``libvirt-webrtc doctor``: what a console needs of this host. None of them changes anything."""
