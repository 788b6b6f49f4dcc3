"""Domains and a connection, as the tests of ``domains/`` have them."""

from tests.domains.conftest import hypervisor, make_domain

__all__ = ["hypervisor", "make_domain"]
