"""Models and methods that enlarge pictures: which there are, and how a picture is brought to a size with one."""
