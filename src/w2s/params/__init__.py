"""Typed parameters of a study: types, defaults, and the sentences that refuse bad ones."""
