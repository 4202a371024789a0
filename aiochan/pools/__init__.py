"""Things that are borrowed and given back.

A namespace of its own: `import aiochan` does not load it.

    connections and the like     ResourcePool; Lease, which is what a borrower has; ResourceStats
    buffers and the like         ObjectPool; SizedPool, for objects of different sizes; Loan, for the time of a block

How each is meant to be used is in docs/guide/pools.md.
"""

from aiochan.pools.lease import Lease
from aiochan.pools.objectpool import Loan, ObjectPool
from aiochan.pools.resourcepool import ResourcePool
from aiochan.pools.resources import ResourceStats
from aiochan.pools.sizedpool import SizedPool

__all__ = ["Lease", "Loan", "ObjectPool", "ResourcePool", "ResourceStats", "SizedPool"]
