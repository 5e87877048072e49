"""Runs on a node of the lab, with the libraries beside it: imports nothing of Amalgam."""
