"""What a site says about its own health, and who may look at it."""
