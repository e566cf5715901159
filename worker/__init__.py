"""Hands and eyes: starts runs, looks at them, tells the record."""
