"""A real SMTP server on a node of the lab, for the mails of its alerts. A site has its own."""
