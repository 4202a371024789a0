/* Woken tasks, and how many operations they may do before the loop gets its turn: what runqueue.py says, in C.
 *
 * R1  An operation stands in a queue's list of the ready ones at most once, only if it is decided and has a wake-up.
 * R2  Somebody ready => scheduled (the loop is going to call the queue), or draining, or dead (the loop is closed); or
 *     the loop could not be asked where there was no way back, which was told: whoever wakes somebody next asks again.
 * R3  To become ready needs no memory: operations are the links of the list. What can fail, asking the loop to call,
 *     is done before anything is decided (`prepare`); so nothing is ever granted to somebody who then is not woken. */

static RunQueue *runqueue_new(State *st, PyObject *loop);

/* -- the budget of operations */

/* Count one operation; 0: it would be one too many in this turn. */
static inline int draw(State *st) {
    if (st->budget == 0) return 0;
    if (st->budget > 0) st->budget--;
    return 1;
}

static inline long allowance(long operations) { return operations ? operations : -1; }

/* -- waking */

static void ready_append(RunQueue *q, Op *op) {
    if (op->ready) return; /* told already */
    op->next_ready = NULL;
    op->ready = 1;
    if (q->last) q->last->next_ready = (Op *)Py_NewRef(op);
    else q->first = (Op *)Py_NewRef(op);
    q->last = op;
}

static Op *ready_pop(RunQueue *q) {
    Op *op = q->first;
    q->first = op->next_ready;
    if (q->first == NULL) q->last = NULL;
    op->next_ready = NULL;
    op->ready = 0;
    return op; /* the list's reference is the caller's now */
}

static void forget_task(Op *op) {
    PyObject *wakeup = op->wakeup, *context = op->context;
    op->wakeup = op->context = NULL;
    Py_XDECREF(wakeup);
    Py_XDECREF(context);
}

/* A loop that was closed has nobody left to wake: that is no error. */
static void bury(RunQueue *q) {
    q->dead = 1;
    while (q->first) {
        Op *op = ready_pop(q);
        forget_task(op);
        Py_DECREF(op);
    }
}

static int bury_if_closed(RunQueue *q) {
    PyObject *answer = PyObject_CallMethodNoArgs(q->loop, q->st->s_is_closed);
    int closed = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    if (closed > 0) bury(q);
    return closed;
}

static int schedule(RunQueue *q) {
    PyObject *arguments[3] = {q->loop, (PyObject *)q, q->context};
    int closed = bury_if_closed(q);
    if (closed) return closed < 0 ? -1 : 0;
    if (q->scheduled) return 0; /* by a finaliser, in between */
    PyObject *handle = PyObject_VectorcallMethod(q->st->s_call_soon, arguments, 2, q->st->kw_context);
    if (handle == NULL) return -1;
    Py_DECREF(handle);
    q->scheduled = 1;
    return 0;
}

/* See to it that whoever becomes ready will be woken. 0: nothing was needed; 1: done, and Python code ran, so the
 * caller looks again at what it has seen; -1: an error, and nothing has changed. */
static inline int prepare(RunQueue *q) {
    if (q == NULL || q->scheduled || q->dead) return 0;
    return schedule(q) < 0 ? -1 : 1;
}

/* Where tools are to see single tasks, each is woken by a callback of its own. */
static void push_alone(RunQueue *q, Op *op) {
    PyObject *wakeup = op->wakeup, *context = op->context;
    PyObject *arguments[4] = {q->loop, wakeup, q->finished, context}, *handle = NULL;
    op->wakeup = op->context = NULL;
    int closed = bury_if_closed(q);
    if (closed == 0) handle = PyObject_VectorcallMethod(q->st->s_call_soon, arguments, 3, q->st->kw_context);
    if (closed <= 0 && handle == NULL) { /* it is told, and its task is woken together with the next one */
        PyErr_WriteUnraisable((PyObject *)q);
        q->scheduled = 0;
        if (op->wakeup == NULL) {
            op->wakeup = wakeup;
            op->context = context;
            ready_append(q, op);
            return;
        }
    }
    Py_XDECREF(handle);
    Py_DECREF(wakeup);
    Py_DECREF(context);
}

/* Wake the task of an operation that has just been decided. */
static inline void push(RunQueue *q, Op *op) {
    if (q->dead) forget_task(op);
    else if (q->each_alone) push_alone(q, op);
    else ready_append(q, op);
}

/* Resume one task. Its operation keeps neither it nor its context from here on. */
static int resume(RunQueue *q, Op *op) {
    PyObject *wakeup = op->wakeup, *context = op->context, *result;
    op->wakeup = op->context = NULL;
    Py_DECREF(op);
    if (PyContext_Enter(context) < 0) result = NULL;
    else {
        result = PyObject_CallOneArg(wakeup, q->finished);
        Error error = error_keep();
        PyContext_Exit(context);
        error_restore(error);
    }
    Py_DECREF(wakeup);
    Py_DECREF(context);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* The loop calls: resume all that are ready, also those that become ready meanwhile, within the budget. */
static PyObject *drain(PyObject *self, PyObject *const *Py_UNUSED(args), size_t Py_UNUSED(n), PyObject *Py_UNUSED(kw)) {
    RunQueue *q = (RunQueue *)Py_NewRef(self);
    State *st = q->st;
    int failed = 0;
    st->budget = allowance(st->turn);
    q->thread = PyThread_get_thread_ident(); /* the loop may have moved */
    q->draining = 1;
    while (!failed && draw(st) && q->first) failed = resume(q, ready_pop(q)) < 0;
    q->scheduled = q->draining = 0;
    if (q->first) { /* a KeyboardInterrupt out of one task must not leave the others asleep */
        Error error = error_keep();
        while (q->first && schedule(q) < 0) { /* nor must a lack of memory */
            PyErr_WriteUnraisable((PyObject *)q);
            if (resume(q, ready_pop(q)) < 0) PyErr_WriteUnraisable((PyObject *)q);
        }
        error_restore(error);
    }
    Py_DECREF(q);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

/* -- whose it is */

/* Whether this loop is the one that runs in this thread; -1 on error. */
static int runs_here(State *st, PyObject *loop) {
    PyObject *running = PyObject_CallNoArgs(st->get_running_loop);
    if (running == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_RuntimeError)) return -1;
        PyErr_Clear(); /* none does */
        return 0;
    }
    Py_DECREF(running);
    return running == loop;
}

/* Raise the error that says whose `thing` is. */
static int raise_wrong_loop(PyObject *thing, RunQueue *q) {
    PyObject *error = PyObject_CallFunctionObjArgs(q->st->wrong_loop, thing, (PyObject *)q, NULL);
    if (error) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return -1;
}

/* Refuse the use of `thing` from a thread in which its loop does not run. */
static inline int check_thread(PyObject *thing, RunQueue *q) {
    unsigned long here = PyThread_get_thread_ident();
    if (q == NULL || q->thread == here) return 0;
    int moved = runs_here(q->st, q->loop);
    if (moved < 0) return -1;
    if (!moved) return raise_wrong_loop(thing, q);
    q->thread = here; /* the loop itself has moved */
    return 0;
}

static inline int drains_here(RunQueue *q) { return q && q->draining && q->thread == PyThread_get_thread_ident(); }

static RunQueue *known_queue(State *st, PyObject *loop) {
    RunQueue *q = st->queues;
    while (q && q->loop != loop) q = q->next;
    return q;
}

/* The one run queue of the running loop, a new reference. With two, tasks would not run as they were woken. */
static RunQueue *running_queue(State *st) {
    if (drains_here(st->last)) return (RunQueue *)Py_NewRef(st->last);
    PyObject *loop = PyObject_CallNoArgs(st->get_running_loop);
    if (loop == NULL) return NULL;
    RunQueue *q = st->last && st->last->loop == loop ? st->last : known_queue(st, loop);
    if (q) {
        Py_INCREF(q);
        q->thread = PyThread_get_thread_ident(); /* the loop may have moved */
    } else q = runqueue_new(st, loop);
    if (q) st->last = q;
    Py_DECREF(loop);
    return q;
}

/* Make *queue the running one, for `thing` on which somebody is about to sleep. Like `prepare`: 0, 1 or -1. */
static inline int own(State *st, PyObject *thing, RunQueue **queue) {
    if (drains_here(*queue)) return 0; /* asking for the running loop would cost a system call on 3.11 */
    if (*queue == NULL) {
        RunQueue *q = running_queue(st);
        if (q == NULL) return -1;
        if (*queue) Py_DECREF(q); /* a finaliser was quicker */
        else *queue = q;
        return 1;
    }
    if (check_thread(thing, *queue) < 0) return -1;
    PyObject *loop = PyObject_CallNoArgs(st->get_running_loop);
    if (loop == NULL) return -1;
    Py_DECREF(loop);
    return (*queue)->loop == loop ? 0 : raise_wrong_loop(thing, *queue);
}

/* -- the type */

static PyObject *add_done_callback(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames);

static Adder *adder_new(State *st) {
    Adder *adder = PyObject_GC_New(Adder, st->Adder_type);
    if (adder == NULL) return NULL;
    adder->call = add_done_callback;
    adder->op = NULL;
    PyObject_GC_Track(adder);
    return adder;
}

/* What a task's wake-up is called with: a finished, genuine Future lets asyncio's C Task take its short path, on which
 * it asks nobody for a result. What really happened stands in the operation. */
static PyObject *finished_future(State *st, PyObject *loop) {
    PyObject *future = PyObject_Vectorcall(st->Future, &loop, 0, st->kw_loop);
    if (future == NULL) return NULL;
    PyObject *done = PyObject_CallMethodOneArg(future, st->s_set_result, Py_None);
    if (done == NULL) Py_CLEAR(future);
    Py_XDECREF(done);
    return future;
}

/* Debug mode counts if it was on when the loop was first waited on. */
static int wants_each_alone(State *st, PyObject *loop) {
    PyObject *answer = PyObject_CallMethodNoArgs(loop, st->s_get_debug);
    int wanted = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    if (wanted) return wanted;
    answer = PyObject_GetAttr(loop, st->s_single_steps);
    if (answer == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
        PyErr_Clear();
        return 0;
    }
    wanted = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return wanted;
}

static PyObject *get_self(PyObject *self, PyObject *Py_UNUSED(ignored)) { return Py_NewRef(self); }

static PyMethodDef get_loop_def = {
    "get_loop", get_self, METH_NOARGS, NULL}; /* a bound method of the loop's, as it were */

static RunQueue *runqueue_new(State *st, PyObject *loop) {
    RunQueue *q = PyObject_GC_New(RunQueue, st->RunQueue_type);
    if (q == NULL) return NULL;
    memset((char *)q + sizeof(PyObject), 0, sizeof(RunQueue) - sizeof(PyObject));
    q->call = drain;
    q->st = st;
    q->thread = PyThread_get_thread_ident();
    q->loop = Py_NewRef(loop);
    int alone = wants_each_alone(st, loop);
    q->each_alone = q->scheduled = alone > 0;
    if (alone < 0 || !(q->get_loop = PyCFunction_New(&get_loop_def, loop)) ||
        !(q->finished = finished_future(st, loop)) || !(q->context = PyContext_New()) || !(q->adder = adder_new(st))) {
        Py_DECREF(q);
        return NULL;
    }
    PyObject_GC_Track(q);
    RunQueue *known = known_queue(st, loop); /* all of that was Python code: somebody may have been quicker */
    if (known) {
        Py_DECREF(q);
        return (RunQueue *)Py_NewRef(known);
    }
    q->next = st->queues;
    return st->queues = q;
}

static int runqueue_traverse(RunQueue *q, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(q));
    for (Op *op = q->first; op; op = op->next_ready) Py_VISIT(op);
    Py_VISIT(q->loop);
    Py_VISIT(q->finished);
    Py_VISIT(q->get_loop);
    Py_VISIT(q->context);
    Py_VISIT(q->adder);
    return 0;
}

static int runqueue_clear(RunQueue *q) {
    bury(q);
    Py_CLEAR(q->finished);
    Py_CLEAR(q->get_loop);
    Py_CLEAR(q->context);
    Py_CLEAR(q->adder);
    return 0;
}

static void runqueue_dealloc(RunQueue *q) {
    PyTypeObject *type = Py_TYPE(q);
    State *st = state_of_type(type);
    PyObject_GC_UnTrack(q);
    for (RunQueue **known = st ? &st->queues : NULL; known && *known; known = &(*known)->next)
        if (*known == q) {
            *known = q->next;
            break;
        }
    if (st && st->last == q) st->last = NULL;
    runqueue_clear(q);
    Py_CLEAR(q->loop);
    PyObject_GC_Del(q);
    Py_DECREF(type);
}

static PyObject *runqueue_thread(RunQueue *q, void *Py_UNUSED(closure)) { return PyLong_FromUnsignedLong(q->thread); }

static PyMemberDef runqueue_members[] = {
    {"loop", T_OBJECT, offsetof(RunQueue, loop), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(RunQueue, call), READONLY, NULL},
    {NULL},
};

static PyGetSetDef runqueue_getset[] = {{"thread", (getter)runqueue_thread, NULL, NULL, NULL}, {NULL}};

static PyType_Slot runqueue_slots[] = {
    {Py_tp_doc, "The woken tasks of one loop."},
    {Py_tp_dealloc, runqueue_dealloc},
    {Py_tp_traverse, runqueue_traverse},
    {Py_tp_clear, runqueue_clear},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, runqueue_members},
    {Py_tp_getset, runqueue_getset},
    {0, NULL},
};

static PyType_Spec runqueue_spec = {
    "aiochan.core._speedups.RunQueue",
    sizeof(RunQueue),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    runqueue_slots,
};

static int adder_traverse(Adder *adder, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(adder));
    Py_VISIT(adder->op);
    return 0;
}

static int adder_clear(Adder *adder) {
    Py_CLEAR(adder->op);
    return 0;
}

static void adder_dealloc(Adder *adder) {
    PyTypeObject *type = Py_TYPE(adder);
    PyObject_GC_UnTrack(adder);
    adder_clear(adder);
    PyObject_GC_Del(adder);
    Py_DECREF(type);
}

static PyMemberDef adder_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Adder, call), READONLY, NULL},
    {NULL},
};

static PyType_Slot adder_slots[] = {
    {Py_tp_dealloc, adder_dealloc},
    {Py_tp_traverse, adder_traverse},
    {Py_tp_clear, adder_clear},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, adder_members},
    {0, NULL},
};

static PyType_Spec adder_spec = {
    "aiochan.core._speedups.add_done_callback",
    sizeof(Adder),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    adder_slots,
};

/* -- what people set */

static PyObject *set_budget(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"turn", "patience", NULL};
    State *st = (State *)PyModule_GetState(module);
    PyObject *bounds[2] = {NULL, NULL};
    long numbers[2] = {256, 1024};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", names, &bounds[0], &bounds[1])) return NULL;
    for (int i = 0; i < 2; i++) {
        if (bounds[i] == NULL) continue;
        PyObject *number = PyNumber_Index(bounds[i]);
        if (number == NULL) return NULL;
        int overflow;
        numbers[i] = PyLong_AsLongAndOverflow(number, &overflow);
        Py_DECREF(number);
        if (overflow > 0) numbers[i] = 0; /* more than can be done in a life */
        else if (overflow < 0 || numbers[i] < 0) {
            PyErr_Format(PyExc_ValueError, "a budget is a number of operations >= 0, not %S", bounds[i]);
            return NULL;
        }
    }
    PyObject *old = Py_BuildValue("(ll)", st->turn, st->patience);
    if (old == NULL) return NULL;
    st->turn = numbers[0];
    st->patience = numbers[1];
    st->budget = allowance(st->patience);
    return old;
}

static PyObject *budget_left(PyObject *module, PyObject *Py_UNUSED(ignored)) {
    State *st = (State *)PyModule_GetState(module);
    if (st->budget < 0) Py_RETURN_NONE;
    return PyLong_FromLong(st->budget);
}

/* After a fork in the middle of a drain nobody in the child goes on with it. */
static PyObject *in_child(PyObject *module, PyObject *Py_UNUSED(ignored)) {
    State *st = (State *)PyModule_GetState(module);
    for (RunQueue *q = st->queues; q; q = q->next) q->draining = 0;
    Py_RETURN_NONE;
}
