"""Weak-to-strong guidance studies for diffusion models."""

__version__ = "0.1.0"
