"""How fast and how small is the house, beside what one would use in its place?"""
