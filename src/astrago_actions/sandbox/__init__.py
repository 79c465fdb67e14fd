"""GitHub, an OCI registry and Argo CD on loopback, for the demo and the tests."""
