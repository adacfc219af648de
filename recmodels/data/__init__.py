"""Logs of behaviour: read, checked, cleaned and split."""
