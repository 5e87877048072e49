"""The bundle: one folder with everything a site is made of, and the tools that make and prove it."""
