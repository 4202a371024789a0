/* An operation as people see it, a `Waiter`: what asyncio asks of a future, and what observers look at. */

/* -- as a future, of a task that waits for it */

static PyObject *waiter_get_loop(Op *op, PyObject *Py_UNUSED(ignored)) {
    if (op->queue == NULL) Py_RETURN_NONE;
    return Py_NewRef(op->queue->loop);
}

/* Remember how to wake the task; it is asleep from now on. */
static PyObject *remember(Op *op, PyObject *wakeup, PyObject *context) {
    if (op->over || op->state < PARKED) {
        PyErr_SetString(PyExc_RuntimeError, "this operation does not sleep");
        return NULL;
    }
    State *st = op->queue->st;
    context = context == NULL || context == Py_None ? PyContext_CopyCurrent() : Py_NewRef(context);
    if (context == NULL) return NULL;
    Py_XSETREF(op->context, context);
    Py_XSETREF(op->wakeup, Py_NewRef(wakeup));
    if (st->observer) observe(st, st->s_parked, (PyObject *)op);
    if (op->state == PARKED || op->wakeup == NULL || op->ready) Py_RETURN_NONE;
    if (prepare(op->queue) < 0) return NULL; /* it was decided before we knew how to tell it: tell it now */
    if (op->wakeup && !op->ready) wake(op);
    Py_RETURN_NONE;
}

/* (wakeup, *, context=None) */
static PyObject *waiter_add_done_callback(Op *op, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    if (n == 1 &&
        (named == 0 || (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "context") == 0)))
        return remember(op, args[0], named ? args[1] : NULL);
    PyErr_SetString(PyExc_TypeError, "add_done_callback() takes a callback, and context by name");
    return NULL;
}

/* The same for a task, which asks for it and calls it at once, always in one way: the name needs no second look. */
static PyObject *add_done_callback(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Op *op = ((Adder *)self)->op;
    Py_ssize_t n = PyVectorcall_NARGS(nargsf), named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    ((Adder *)self)->op = NULL;
    PyObject *result = NULL;
    if (op == NULL) PyErr_SetString(PyExc_RuntimeError, "add_done_callback was kept, and called a second time");
    else if (n == 1 && named <= 1) result = remember(op, args[0], named ? args[1] : NULL);
    else PyErr_SetString(PyExc_TypeError, "add_done_callback() takes a callback, and context by name");
    Py_XDECREF(op);
    return result;
}

static PyObject *waiter_done(Op *op, PyObject *Py_UNUSED(ignored)) {
    return PyBool_FromLong(op->state > PARKED || op->over);
}

/* Take the task out of every line and wake it with a CancelledError; False when it was decided before. */
static PyObject *waiter_cancel(Op *op, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"msg", NULL};
    PyObject *message = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", names, &message)) return NULL;
    if (op->state == PARKED && op->wakeup && prepare(op->queue) < 0) return NULL;
    if (op->state != PARKED || op->over) Py_RETURN_FALSE;
    Py_INCREF(op);
    PyObject *old = op->extra;
    op->extra = message == Py_None ? NULL : Py_NewRef(message);
    op->state = CANCELLED;
    leave(op);
    if (op->wakeup) wake(op);
    Py_XDECREF(old);
    Py_DECREF(op);
    Py_RETURN_TRUE;
}

/* None before it sleeps: else asyncio would take it for a future where it is a coroutine. */
static PyObject *waiter_get_blocking(Op *op, void *Py_UNUSED(closure)) {
    if (op->state < PARKED) Py_RETURN_NONE;
    return PyBool_FromLong(op->blocking);
}

static int waiter_set_blocking(Op *op, PyObject *value, void *Py_UNUSED(closure)) {
    int blocking = value ? PyObject_IsTrue(value) : 0;
    if (blocking < 0) return -1;
    op->blocking = (uint8_t)blocking;
    return 0;
}

/* What a task asks for whenever it goes to sleep, without a search and without a bound method each time. */
static PyObject *waiter_getattro(PyObject *self, PyObject *name) {
    Op *op = (Op *)self;
    RunQueue *q = op->queue;
    if (q && q->adder) {
        State *st = q->st;
        if (name == st->s_blocking) return waiter_get_blocking(op, NULL);
        if (name == st->s_get_loop) return Py_NewRef(q->get_loop);
        if (name == st->s_add_done_callback && Py_REFCNT(q->adder) == 1) {
            Op *old = q->adder->op;
            q->adder->op = (Op *)Py_NewRef(self);
            PyObject *adder = Py_NewRef((PyObject *)q->adder);
            Py_XDECREF(old);
            return adder;
        }
    }
    return PyObject_GenericGetAttr(self, name);
}

static int waiter_setattro(PyObject *self, PyObject *name, PyObject *value) {
    RunQueue *q = ((Op *)self)->queue;
    if (q && name == q->st->s_blocking) return waiter_set_blocking((Op *)self, value, NULL);
    return PyObject_GenericSetAttr(self, name, value);
}

/* -- to be looked at */

static PyObject *waiter_owner(Op *op, void *Py_UNUSED(closure)) {
    PyObject *owner = owner_of(state_of_op(op), op);
    return owner ? owner : Py_NewRef(Py_None);
}

static const char *state_name(Op *op) {
    switch (op->state) {
    case FRESH: return "fresh";
    case BREATHING: return "breathing";
    case PARKED: return "parked";
    case CANCELLED: return "cancelled";
    case CLOSED: return "closed";
    default: return "granted";
    }
}

static PyObject *index_of(Op *op, Node *node) {
    if (op->verb != V_SELECT) Py_RETURN_NONE;
    return PyLong_FromLong(node->index);
}

/* The nodes it sleeps at, or the one that was served. */
static int counts(Op *op, Node *node) {
    if (node->home == NULL) return 0;
    return op->state <= CANCELLED ? node->linked || node->left : node->index == op->won;
}

static PyObject *waiter_waits_for(Op *op, PyObject *Py_UNUSED(ignored)) {
    State *st = state_of_op(op);
    PyObject *places = PyList_New(0);
    for (Py_ssize_t i = 0; places && i < Py_SIZE(op); i++) {
        Node *node = &op->nodes[i];
        if (!counts(op, node)) continue;
        PyObject *index = index_of(op, node), *home = Py_NewRef(node->home);
        PyObject *place = index ? PyTuple_Pack(3, home, st->wants[node->want], index) : NULL;
        Py_XDECREF(index);
        Py_DECREF(home);
        if (place == NULL || PyList_Append(places, place) < 0) Py_CLEAR(places);
        Py_XDECREF(place);
    }
    return places;
}

static PyObject *waiter_kind(Op *op, void *Py_UNUSED(closure)) {
    if (op->verb == V_SELECT && op->state <= CANCELLED) return PyUnicode_FromString("select");
    if (Py_SIZE(op) == 0) return PyUnicode_FromString(VERBS[op->verb].name);
    return Py_NewRef(state_of_op(op)->wants[op->nodes[op->won].want]);
}

static PyObject *waiter_snapshot(Op *op, PyObject *Py_UNUSED(ignored)) {
    PyObject *kind = waiter_kind(op, NULL);
    if (kind == NULL) return NULL;
    if (op->verb == V_SELECT && op->state > CANCELLED)
        return Py_BuildValue("(sNl)", state_name(op), kind, (long)op->won);
    return Py_BuildValue("(sNO)", state_name(op), kind, Py_None);
}

/* All that decides what it does next, for the search of aiochan.testing: a coroutine would show it in its frame. */
static PyObject *waiter_fingerprint(Op *op, PyObject *Py_UNUSED(ignored)) {
    State *st = state_of_op(op);
    PyObject *nodes = PyList_New(0);
    for (Py_ssize_t i = 0; nodes && i < Py_SIZE(op); i++) {
        Node *node = &op->nodes[i];
        PyObject *home = Py_NewRef(node->home ? node->home : Py_None),
                 *item = Py_NewRef(node->item ? node->item : Py_None);
        PyObject *part = Py_BuildValue("(NONi)", home, st->wants[node->want], item, node->linked);
        if (part == NULL || PyList_Append(nodes, part) < 0) Py_CLEAR(nodes);
        Py_XDECREF(part);
    }
    if (nodes == NULL) return NULL;
    return Py_BuildValue("[isiiliOON]",
                         op->verb,
                         state_name(op),
                         op->state,
                         op->over,
                         (long)op->won,
                         op->biased,
                         op->wakeup ? Py_True : Py_False,
                         op->extra ? op->extra : Py_None,
                         nodes);
}

static PyObject *waiter_repr(Op *op) {
    PyObject *places = waiter_waits_for(op, NULL), *text = places ? PyUnicode_FromString("") : NULL;
    Py_ssize_t n = places ? PyList_GET_SIZE(places) : 0;
    for (Py_ssize_t i = 0; text && i < n && i < 3; i++) {
        PyObject *place = PyList_GET_ITEM(places, i);
        PyObject *longer = PyUnicode_FromFormat(
            "%U%s%S on %R", text, i ? ", " : "", PyTuple_GET_ITEM(place, 1), PyTuple_GET_ITEM(place, 0));
        Py_SETREF(text, longer);
    }
    if (text && n == 0) Py_SETREF(text, waiter_kind(op, NULL));
    PyObject *more = text && n > 3 ? PyUnicode_FromFormat(" and %zd more", n - 3) : PyUnicode_FromString("");
    PyObject *repr = text && more ? PyUnicode_FromFormat("<Waiter %s: %U%U>", state_name(op), text, more) : NULL;
    Py_XDECREF(places);
    Py_XDECREF(text);
    Py_XDECREF(more);
    return repr;
}

static PyObject *waiter_name(Op *op, void *Py_UNUSED(closure)) { return PyUnicode_FromString(VERBS[op->verb].name); }

static PyObject *waiter_qualname(Op *op, void *Py_UNUSED(closure)) {
    return PyUnicode_FromString(VERBS[op->verb].qualname);
}

static PyObject *waiter_origin(Op *op, void *Py_UNUSED(closure)) {
    return Py_NewRef(op->origin ? op->origin : Py_None);
}

static PyObject *waiter_running(Op *op, void *Py_UNUSED(closure)) { return PyBool_FromLong(op->running); }

static PyMethodDef waiter_methods[] = {
    {"send", waiter_send, METH_O, NULL},
    {"throw", _PyCFunction_CAST(waiter_throw), METH_FASTCALL, NULL},
    {"close", waiter_close, METH_NOARGS, NULL},
    {"get_loop", (PyCFunction)waiter_get_loop, METH_NOARGS, NULL},
    {"add_done_callback",
     _PyCFunction_CAST(waiter_add_done_callback),
     METH_FASTCALL | METH_KEYWORDS,
     DOC_Waiter_add_done_callback},
    {"done", (PyCFunction)waiter_done, METH_NOARGS, DOC_Waiter_done},
    {"cancel", _PyCFunction_CAST(waiter_cancel), METH_VARARGS | METH_KEYWORDS, DOC_Waiter_cancel},
    {"waits_for", (PyCFunction)waiter_waits_for, METH_NOARGS, DOC_Waiter_waits_for},
    {"_snapshot", (PyCFunction)waiter_snapshot, METH_NOARGS, NULL},
    {"__fingerprint__", (PyCFunction)waiter_fingerprint, METH_NOARGS, NULL},
    {NULL},
};

static PyGetSetDef waiter_getset[] = {
    {"_asyncio_future_blocking", (getter)waiter_get_blocking, (setter)waiter_set_blocking, NULL, NULL},
    {"owner", (getter)waiter_owner, NULL, DOC_Waiter_owner, NULL},
    {"kind", (getter)waiter_kind, NULL, NULL, NULL},
    {"__name__", (getter)waiter_name, NULL, NULL, NULL},
    {"__qualname__", (getter)waiter_qualname, NULL, NULL, NULL},
    {"cr_origin", (getter)waiter_origin, NULL, NULL, NULL},
    {"cr_running", (getter)waiter_running, NULL, NULL, NULL},
    {NULL},
};

static PyType_Slot waiter_slots[] = {
    {Py_tp_doc, DOC_Waiter},
    {Py_tp_dealloc, waiter_dealloc},
    {Py_tp_finalize, waiter_finalize},
    {Py_tp_traverse, waiter_traverse},
    {Py_tp_clear, waiter_clear},
    {Py_tp_getattro, waiter_getattro},
    {Py_tp_setattro, waiter_setattro},
    {Py_tp_repr, waiter_repr},
    {Py_tp_iternext, op_iternext},
    {Py_tp_methods, waiter_methods},
    {Py_tp_getset, waiter_getset},
    {Py_am_await, waiter_await},
    {Py_am_send, op_send},
    {0, NULL},
};

static PyType_Spec waiter_spec = {
    "aiochan.core._speedups.Waiter",
    offsetof(Op, nodes),
    sizeof(Node),
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    waiter_slots,
};
