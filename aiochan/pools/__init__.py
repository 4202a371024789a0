"""Things that are borrowed and given back.

A namespace of its own: `import aiochan` does not load it.

    connections and the like     ResourcePool; Lease, which is what a borrower has; ResourceStats

How each is meant to be used is in docs/guide/pools.md.
"""

from aiochan.pools.lease import Lease
from aiochan.pools.resourcepool import ResourcePool
from aiochan.pools.resources import ResourceStats

__all__ = ["Lease", "ResourcePool", "ResourceStats"]
