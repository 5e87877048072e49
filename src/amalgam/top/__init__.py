"""How the site is this minute: hosts, VCs and chips, as a terminal shows them."""
