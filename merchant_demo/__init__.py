"""The merchant demonstration: tills, a wallet, and the page that leads to them.

It talks to the sandbox as any start-up would: through the public API with a publishable key.
"""
