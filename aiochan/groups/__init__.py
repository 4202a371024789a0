"""Tasks that have an owner, who waits for them and hears of their errors.

crew            where tasks are started, watched, cancelled and awaited: what the others stand on
errgroup        ErrGroup: tasks that work on one thing, of which the first error stops the others
errwaitgroup    ErrWaitGroup: count down and gather errors, for work that is no task of ours
"""
