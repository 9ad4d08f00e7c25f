"""The Extras tab: what can be done with pictures that are there already."""
