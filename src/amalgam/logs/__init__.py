"""Searching a site's logs: what is asked, the store that answers, and how a line is shown."""
