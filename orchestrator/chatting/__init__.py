"""How does a written message come into a session, over HTTP or a socket?"""
