"""GitHub on loopback: REST, GraphQL and git over real repositories, for the demo and the tests."""

from astrago_actions.sandbox.github.github import GitHub
from astrago_actions.sandbox.github.records import Job, Person, Run, Step

__all__ = ["GitHub", "Job", "Person", "Run", "Step"]
