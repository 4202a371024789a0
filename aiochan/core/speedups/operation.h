/* The life of an operation.
 *
 *      FRESH ----> BREATHING ----> (tries) ----> over, with an answer: nobody has slept
 *                                     |
 *                                  PARKED ----> GRANTED, ADMITTED, TAKEN, CLOSED, CANCELLED ----> over
 *                                               (`commit`: the task is woken)            (the task runs)
 *
 * O1  It does nothing before it is awaited. One that never is warns, as a coroutine does.
 * O2  What is not over gives back what it was granted when it is thrown into, closed or collected (`give_back`): a
 *     woken waiter holds a permit, never the thing itself.
 * O3  What the answer needs is made before a value leaves the channel, so that no value is lost for want of memory.
 */

static const struct {
    const char *name, *qualname;
} VERBS[] = {
    [V_SEND] = {"send", "Chan.send"},
    [V_RECV] = {"recv", "Chan.recv"},
    [V_NEXT] = {"recv", "Chan.recv"},
    [V_RECV_OK] = {"recv_ok", "Chan.recv_ok"},
    [V_SELECT] = {"select", "select"},
    [V_RESERVE] = {"_reserve_place", "Chan._reserve_place"},
    [V_PARK] = {"park", "WaitQueue.park"},
    [V_SIGNAL_WAIT] = {"wait", "Signal.wait"},
    [V_SIGNAL_OK] = {"recv_ok", "Signal.recv_ok"},
    [V_ENTER] = {"__aenter__", "SendChan.__aenter__"},
    [V_EXIT] = {"__aexit__", "SendChan.__aexit__"},
};

/* -- made */

/* Where it was made, for the warning of one that is never awaited; NULL if nobody wants to know, or on error. */
static PyObject *origin(int depth) {
    PyObject *frames = PyList_New(0);
    PyFrameObject *frame = frames ? PyThreadState_GetFrame(PyThreadState_Get()) : NULL;
    while (frame && depth-- > 0) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        PyObject *line = Py_BuildValue("(OiO)", code->co_filename, PyFrame_GetLineNumber(frame), code->co_name);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(code);
        Py_DECREF(frame);
        frame = back;
        if (line == NULL || PyList_Append(frames, line) < 0) Py_CLEAR(frames);
        Py_XDECREF(line);
        if (frames == NULL) break;
    }
    Py_XDECREF(frame);
    if (PyErr_Occurred()) Py_CLEAR(frames); /* a frame could not be made: that is NULL, as for the outermost one */
    PyObject *tuple = frames ? PyList_AsTuple(frames) : NULL;
    Py_XDECREF(frames);
    return tuple;
}

static inline void new_reference(PyObject *object) {
#ifdef Py_REF_DEBUG
    _Py_NewReference(object);
#else
    Py_SET_REFCNT(object, 1); /* all that it would do, unless memory is traced: then the first trace stands */
#endif
}

static Op *op_new(State *st, int verb, Py_ssize_t n) {
    Op *op;
    if (n == 1 && st->n_free) { /* empty but for its flags: see waiter_dealloc */
        op = st->free[--st->n_free];
        new_reference((PyObject *)op);
        memset(&op->won, 0, offsetof(Op, nodes) - offsetof(Op, won));
    } else {
        if ((op = PyObject_GC_NewVar(Op, st->Op_type, n)) == NULL) return NULL;
        memset((char *)op + sizeof(PyVarObject), 0, offsetof(Op, nodes) - sizeof(PyVarObject) + n * sizeof(Node));
    }
    op->verb = (uint8_t)verb;
    PyObject_GC_Track(op);
    int depth = PyThreadState_Get()->coroutine_origin_tracking_depth;
    if (depth > 0 && (op->origin = origin(depth)) == NULL) {
        op->over = 1;
        Py_CLEAR(op);
    }
    return op;
}

static inline void node_init(Op *op, Py_ssize_t i, int want, PyObject *home, PyObject *item) {
    Node *node = &op->nodes[i];
    node->index = (uint32_t)i;
    node->want = (uint8_t)want;
    node->linked = node->left = 0;
    node->home = Py_XNewRef(home);
    node->item = Py_XNewRef(item);
}

static PyObject *op_new_of(State *st, int verb, int want, PyObject *home, PyObject *item) {
    Op *op = op_new(st, verb, 1);
    if (op) node_init(op, 0, want, home, item);
    return (PyObject *)op;
}

static inline void empty_node(Node *node) {
    PyObject *item = node->item, *home = node->home;
    node->item = node->home = NULL;
    Py_XDECREF(item);
    Py_XDECREF(home);
}

/* It is over, without an error: a task keeps it as long as the task is kept, so it keeps nothing. */
static inline void finish(Op *op) {
    op->over = 1;
    if (op->extra) Py_CLEAR(op->extra);
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++) empty_node(&op->nodes[i]);
}

/* It is over; *out is its answer, or there is an error. */
static PySendResult finish_with(Op *op, PyObject *answer) {
    if (answer) {
        finish(op);
        return PYGEN_RETURN;
    }
    Error error = error_keep();
    finish(op);
    error_restore(error);
    return PYGEN_ERROR;
}

/* -- awake: try to do it now. SUCCEEDED and ENDED leave the answer in *answer (or NULL and an error) */

/* The shortcut of `put` and `take` for the commonest case, in which nobody sleeps and nothing can fail. */
static inline int shortcut(Chan *c, Node *node, PyObject **value) {
    if (node->want == SEND) {
        if (c->recvq || !has_room(c) || c->held > mask(c)) return 0;
        ring_push(c, node->item);
        node->item = NULL;
    } else {
        if (surplus(c) <= 0 || c->sendq || slotq(c)) return 0;
        *value = ring_pop(c);
        c->received++;
    }
    return 1;
}

static int try_plain(Node *node, PyObject **value) {
    Chan *c = chan_of(node);
    if (node->want == SEND && !c->recvq && has_room(c) && ring_reserve(c) < 0) return FAILED;
    if (shortcut(c, node, value)) return SUCCEEDED;
    if (node->want == SEND) return c->recvq || is_closed(c) || c->overflow ? put(c, &node->item) : MUST_WAIT;
    return c->held || c->sendq || is_closed(c) ? take(c, value) : MUST_WAIT;
}

static int try_reserve(Node *node) {
    Chan *c = chan_of(node);
    if (check_thread(node->home, c->queue) < 0 || rare(c) == NULL) return FAILED;
    if (is_closed(c)) return ENDED;
    if (!has_room(c)) return MUST_WAIT;
    reserve_place(c);
    return SUCCEEDED;
}

static int try_node(Op *op, Node *node, PyObject **answer) {
    PyObject *value = NULL;
    int result;
    if (op->verb == V_PARK) return MUST_WAIT;
    if ((*answer = answer_new(op, node)) == NULL) return FAILED;
    if (op->verb == V_RESERVE) result = try_reserve(node);
    else if (op->verb == V_SELECT)
        result = node->want == SEND ? put(chan_of(node), &node->item) : take(chan_of(node), &value);
    else result = try_plain(node, &value);
    if (result == SUCCEEDED) {
        *answer = answer_fill(*answer, value);
        return SUCCEEDED;
    }
    Py_CLEAR(*answer);
    if (result == ENDED) *answer = ended(op, node);
    return result;
}

static int try_select(State *st, Op *op, PyObject **answer) {
    for (;;) {
        Node *drawn;
        if (look(st, op, &drawn) < 0) return FAILED;
        if (drawn == NULL) return MUST_WAIT;
        op->won = drawn->index;
        int result = try_node(op, drawn, answer);
        if (result != MUST_WAIT) return result; /* else somebody else's dice were quicker */
    }
}

/* -- to sleep */

/* Make sure that all of it belongs to the running loop. Like `prepare`: 0, 1 or -1. */
static int own_all(State *st, Op *op) {
    int changed = 0;
    if (op->queue == NULL) {
        Node *first = Py_SIZE(op) ? &op->nodes[0] : NULL;
        RunQueue *hint = !first || !first->home ? NULL
                         : first->want == WAIT  ? ((WaitQueue *)first->home)->queue
                                                : chan_of(first)->queue;
        if (drains_here(hint)) op->queue = (RunQueue *)Py_NewRef(hint);
        else {
            if ((op->queue = running_queue(st)) == NULL) return -1;
            changed = 1;
        }
    }
    for (Py_ssize_t i = 0; i < Py_SIZE(op); i++) {
        Node *node = &op->nodes[i];
        if (node->home == NULL) continue;
        RunQueue **queue = node->want == WAIT ? &((WaitQueue *)node->home)->queue : &chan_of(node)->queue;
        if (*queue == op->queue) continue;
        int owned = own(st, node->home, queue);
        if (owned < 0) return -1;
        changed |= owned;
    }
    return changed;
}

static PySendResult yield_to_task(Op *op, PyObject **out) {
    op->blocking = 1;
    *out = Py_NewRef((PyObject *)op);
    return PYGEN_NEXT;
}

static inline void line_up_plain(Op *op, Node *node) {
    node->ticket = next_ticket(chan_of(node));
    op->state = PARKED;
    link_node(op, node);
}

static int line_up(State *st, Op *op) {
    Node *node = &op->nodes[0];
    if (op->verb == V_SELECT) return stand(st, op);
    if (node->want == RESERVE) chan_of(node)->rare->numbered = 1;
    if (node->want != WAIT) line_up_plain(op, node);
    else {
        op->state = PARKED;
        link_node(op, node);
    }
    return 0;
}

static int give_back(State *st, Op *op);

static PySendResult op_try(State *st, Op *op, PyObject **out) {
    int result, changed = 0;
    if (op->verb == V_SELECT && op->extra) { /* not all of its cases are cases */
        PyErr_SetObject((PyObject *)Py_TYPE(op->extra), op->extra);
        return finish_with(op, NULL);
    }
    do {
        result = op->verb == V_SELECT ? try_select(st, op, out) : try_node(op, &op->nodes[0], out);
        if (result == MUST_WAIT) changed = own_all(st, op);
        if (result != MUST_WAIT || changed < 0) return finish_with(op, *out);
    } while (changed); /* Python code has run: look again */
    if (line_up(st, op) == 0) return yield_to_task(op, out);
    Error error = error_keep();
    if (give_back(st, op) < 0) PyErr_WriteUnraisable((PyObject *)op);
    error_restore(error);
    return PYGEN_ERROR;
}

/* The commonest, a send or a receive: one channel, and the answer is the value or None. */
static PySendResult op_try_plain(State *st, Op *op, PyObject **out) {
    Node *node = &op->nodes[0];
    Chan *c = chan_of(node);
    for (;;) {
        int result = try_plain(node, out), owned = 0;
        if (result == MUST_WAIT) owned = own(st, node->home, &c->queue);
        else if (result == ENDED) *out = ended(op, node);
        else if (result == SUCCEEDED && *out == NULL) *out = Py_NewRef(Py_None);
        if (result != MUST_WAIT || owned < 0) return finish_with(op, *out);
        if (owned == 0) break; /* else Python code has run: look again */
    }
    op->queue = (RunQueue *)Py_NewRef(c->queue);
    line_up_plain(op, node);
    return yield_to_task(op, out);
}

static int close_on_exit(Chan *c, PyObject *cause);

static PySendResult op_begin(State *st, Op *op, PyObject **out) {
    Node *node = &op->nodes[0];
    switch (op->verb) {
    case V_ENTER: *out = Py_NewRef(node->item); return finish_with(op, *out);
    case V_EXIT:
        if (close_on_exit(chan_of(node), node->item) == 0) *out = Py_NewRef(Py_None);
        return finish_with(op, *out);
    case V_PARK: break;
    default:
        if (draw(st)) break;
        op->state = BREATHING; /* paid before there is any effect, so a cancellation finds nothing done */
        *out = Py_NewRef(Py_None);
        return PYGEN_NEXT;
    }
    return op->verb <= V_NEXT ? op_try_plain(st, op, out) : op_try(st, op, out);
}

/* -- awake again */

static PySendResult op_resume(State *st, Op *op, PyObject **out) {
    Node *node = &op->nodes[op->won];
    if (op->verb <= V_NEXT && op->state != CLOSED) {
        if (op->state == ADMITTED) take_out(&chan_of(node)->rare->transit, node);
        *out = op->state == GRANTED ? redeem(chan_of(node)) : Py_NewRef(Py_None);
        if (*out == NULL || op->ready) return finish_with(op, *out); /* ready: it was stepped too early */
        op->over = op->quick = 1;
        op->shelf = st;
        empty_node(node);
        return PYGEN_RETURN;
    }
    if (op->state == CLOSED) *out = ended(op, node);
    else if ((*out = answer_new(op, node)) == NULL) { /* what was granted goes on, as after a cancellation */
        Error error = error_keep();
        if (give_back(st, op) < 0) PyErr_WriteUnraisable((PyObject *)op);
        error_restore(error);
    } else if (op->state == ADMITTED) take_out(&chan_of(node)->rare->transit, node);
    else if (op->state == GRANTED && node->want <= DONE) {
        PyObject *value = redeem(chan_of(node));
        if (value) *out = answer_fill(*out, value);
        else Py_CLEAR(*out);
    }
    return finish_with(op, *out);
}

/* Whose sleep this is: the task, a new reference, or NULL if it is none. */
static PyObject *owner_of(State *st, Op *op) {
    PyObject *task = op->wakeup && !op->ready ? PyObject_GetAttr(op->wakeup, st->s_self) : NULL;
    int is_task = task ? PyObject_IsInstance(task, st->Task) : 0;
    if (is_task == 1) return task;
    Py_XDECREF(task);
    PyErr_Clear();
    return NULL;
}

/* Leave every line: it was thrown into or closed in its sleep. */
static void quit(State *st, Op *op) {
    op->state = CANCELLED;
    leave(op);
    if (op->wakeup) tell_observer(op);
    Py_CLEAR(op->extra);
    PyObject *owner = owner_of(st, op); /* we may run inside the task's own end, and must not be its last reference */
    if (owner == NULL) Py_CLEAR(op->wakeup);
    Py_XDECREF(owner);
    Py_CLEAR(op->context);
}

static int wake_queue(WaitQueue *queue, Py_ssize_t n);

static int return_grant(State *st, Op *op) {
    Node *node = Py_SIZE(op) ? &op->nodes[op->won] : NULL;
    switch (op->state) {
    case PARKED: quit(st, op); return 0;
    case ADMITTED: take_back(node); return 0;
    case GRANTED: break;
    default: return 0;
    }
    if (node->want == RESERVE) return_place(chan_of(node));
    if (node->want <= DONE) pass_on(chan_of(node));
    if (node->want != WAIT) return 0;
    PyObject *callback = op->extra, *result;
    op->extra = NULL;
    if (callback) result = PyObject_CallNoArgs(callback);
    else if (Py_TYPE(node->home) != st->WaitQueue_type) result = PyObject_CallMethodNoArgs(node->home, st->s_wake);
    else return wake_queue((WaitQueue *)node->home, 1) < 0 ? -1 : 0;
    Py_XDECREF(callback);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* It ends early: what was granted to it goes to the next in line, at once. -1 if that raised. */
static int give_back(State *st, Op *op) {
    op->over = 1;
    int result = st ? return_grant(st, op) : 0; /* none at the very end of an interpreter */
    finish_with(op, result < 0 ? NULL : Py_None);
    return result;
}
