"""Scores of single images by networks that people trained to judge them, given the prompt."""
