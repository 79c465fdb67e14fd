"""An Argo CD of one process, for the demo and the tests."""

from astrago_actions.sandbox.argocd.access import Policy
from astrago_actions.sandbox.argocd.behaviour import Behaviour, Window
from astrago_actions.sandbox.argocd.server import ArgoCD
from astrago_actions.sandbox.argocd.sources import GitSource, ImageSource

__all__ = ["ArgoCD", "Behaviour", "GitSource", "ImageSource", "Policy", "Window"]
