"""Python behind the astrago-actions composite GitHub Actions."""

__version__ = "1.0.0"
