"""Who loses, doubles or reorders a value under which cancellation: the same questions put to every library.

    libraries/   one adapter for each library: what its documentation says one writes, under common names
    questions/   one small program for each question; each answers with a `Finding`
    stage.py     tasks, turns of the event loop and ways to be cancelled, for asyncio and for trio
    sweeps.py    the distances in time at which two events are put beside each other
    child.py     what runs in the process of one library
    table.py     the answers as a table

README.md says how to run it against other releases.
"""
