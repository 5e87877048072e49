"""Keeps what is in a site's Harbor as the site's data says, by Harbor's REST API (version 2.0)."""
