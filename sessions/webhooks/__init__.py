"""Who wants to be told of sessions over HTTP, what are they told, and did they take it?"""
