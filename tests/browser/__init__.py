"""The sandbox in a real browser: what a person sees and does, with clicks and keys only."""
