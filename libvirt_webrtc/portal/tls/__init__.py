"""HTTPS: the portal's certificate, the operator's or one that is made here, and connections that begin with TLS."""
