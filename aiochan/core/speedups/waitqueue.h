/* A line of tasks that wait for their turn: waiters.py's WaitQueue. */

/* Wake the n who have waited longest, and count them; -1 on error. */
static Py_ssize_t wake_some(WaitQueue *queue, Py_ssize_t n) {
    Py_ssize_t woken = 0;
    while (woken < n && queue->line) {
        int prepared = prepare_first(queue->line);
        if (prepared < 0) return -1;
        if (prepared) continue;
        commit(first_in(queue->line), GRANTED);
        woken++;
    }
    return woken;
}

static int wake_queue(WaitQueue *queue, Py_ssize_t n) {
    return check_thread((PyObject *)queue, queue->queue) < 0 || wake_some(queue, n) < 0 ? -1 : 0;
}

static PyObject *waitqueue_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs)) {
    State *st = state_of_subtype(type);
    WaitQueue *queue = st ? (WaitQueue *)type->tp_alloc(type, 0) : NULL;
    if (queue) queue->st = st;
    return (PyObject *)queue;
}

static int waitqueue_init(WaitQueue *queue, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"name", NULL};
    PyObject *name = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:WaitQueue", names, &name)) return -1;
    Py_XSETREF(queue->name, Py_NewRef(name));
    return 0;
}

static PyObject *waitqueue_park(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    static const char *const names[] = {"tag", "give_back"};
    PyObject *given[2] = {Py_None, Py_None};
    if (arguments("park", names, args, n, kwnames, given) < 0) return NULL;
    PyObject *op = op_new_of(((WaitQueue *)self)->st, V_PARK, WAIT, self, given[0]);
    if (op && given[1] != Py_None) ((Op *)op)->extra = Py_NewRef(given[1]);
    return op;
}

static PyObject *waitqueue_wake(WaitQueue *queue, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"n", NULL};
    PyObject *number = NULL;
    Py_ssize_t n = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:wake", names, &number)) return NULL;
    if (number) {
        n = PyNumber_AsSsize_t(number, NULL); /* more than there can be is all there are */
        if (n == -1 && PyErr_Occurred()) return NULL;
    }
    if (n < 0) return PyErr_Format(PyExc_ValueError, "cannot wake %S tasks; n must be >= 0", number);
    if (check_thread((PyObject *)queue, queue->queue) < 0) return NULL;
    Py_ssize_t woken = wake_some(queue, n);
    return woken < 0 ? NULL : PyLong_FromSsize_t(woken);
}

static PyObject *waitqueue_wake_all(WaitQueue *queue, PyObject *Py_UNUSED(ignored)) {
    if (check_thread((PyObject *)queue, queue->queue) < 0) return NULL;
    Py_ssize_t woken = wake_some(queue, queue->sleepers);
    return woken < 0 ? NULL : PyLong_FromSsize_t(woken);
}

static PyObject *waitqueue_first(WaitQueue *queue, void *Py_UNUSED(closure)) {
    Node *first = first_in(queue->line);
    return Py_NewRef(first && first->item ? first->item : Py_None);
}

static Py_ssize_t waitqueue_length(WaitQueue *queue) { return queue->sleepers; }

static PyObject *waitqueue_iter(WaitQueue *queue) {
    PyObject *tags = PyList_New(0);
    Node *last = queue->line, *node = last;
    if (last && tags) do {
            node = node->next;
            if (PyList_Append(tags, node->item ? node->item : Py_None) < 0) Py_CLEAR(tags);
        } while (tags && node != last);
    PyObject *iterator = tags ? PyObject_GetIter(tags) : NULL;
    Py_XDECREF(tags);
    return iterator;
}

static PyObject *waitqueue_repr(WaitQueue *queue) {
    PyObject *name = name_or_address(queue->name, (PyObject *)queue);
    PyObject *repr = name ? PyUnicode_FromFormat("<WaitQueue %U, %zd parked>", name, queue->sleepers) : NULL;
    Py_XDECREF(name);
    return repr;
}

static PyObject *waitqueue_check(WaitQueue *queue, PyObject *Py_UNUSED(ignored)) {
    if (length_of(queue->line) == queue->sleepers) Py_RETURN_NONE;
    return PyErr_Format(PyExc_AssertionError, "L1: sleepers miscounted: %R", queue);
}

static PyObject *waitqueue_snapshot(WaitQueue *queue, PyObject *Py_UNUSED(ignored)) {
    return snapshot_line(queue->st, queue->line);
}

static int waitqueue_traverse(WaitQueue *queue, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(queue));
    Py_VISIT(queue->name);
    Py_VISIT(queue->queue);
    return visit_line(queue->line, visit, arg);
}

static int waitqueue_clear(WaitQueue *queue) {
    drop_line(&queue->line);
    Py_CLEAR(queue->name);
    Py_CLEAR(queue->queue);
    return 0;
}

static void waitqueue_dealloc(WaitQueue *queue) {
    PyTypeObject *type = Py_TYPE(queue);
    PyObject_GC_UnTrack(queue);
    if (queue->weakrefs) PyObject_ClearWeakRefs((PyObject *)queue);
    waitqueue_clear(queue);
    type->tp_free(queue);
    Py_DECREF(type);
}

static PyMethodDef waitqueue_methods[] = {
    {"wake", _PyCFunction_CAST(waitqueue_wake), METH_VARARGS | METH_KEYWORDS, DOC_WaitQueue_wake},
    {"wake_all", (PyCFunction)waitqueue_wake_all, METH_NOARGS, DOC_WaitQueue_wake_all},
    {"_check", (PyCFunction)waitqueue_check, METH_NOARGS, NULL},
    {"_snapshot", (PyCFunction)waitqueue_snapshot, METH_NOARGS, NULL},
    {"__reduce_ex__", refuse_copy, METH_O, NULL},
    GENERIC,
    {NULL},
};

static const MethodDef waitqueue_operations[] = {{"park", waitqueue_park, DOC_WaitQueue_park}, {NULL}};

static PyGetSetDef waitqueue_getset[] = {{"first", (getter)waitqueue_first, NULL, DOC_WaitQueue_first, NULL}, {NULL}};

static PyMemberDef waitqueue_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(WaitQueue, weakrefs), READONLY, NULL},
    {NULL},
};

static PyType_Slot waitqueue_slots[] = {
    {Py_tp_doc, DOC_WaitQueue},
    {Py_tp_new, waitqueue_new},
    {Py_tp_init, waitqueue_init},
    {Py_tp_dealloc, waitqueue_dealloc},
    {Py_tp_traverse, waitqueue_traverse},
    {Py_tp_clear, waitqueue_clear},
    {Py_tp_repr, waitqueue_repr},
    {Py_tp_iter, waitqueue_iter},
    {Py_sq_length, waitqueue_length},
    {Py_nb_bool, end_bool},
    {Py_tp_methods, waitqueue_methods},
    {Py_tp_getset, waitqueue_getset},
    {Py_tp_members, waitqueue_members},
    {0, NULL},
};

static PyType_Spec waitqueue_spec = {
    "aiochan.core._speedups.WaitQueue", sizeof(WaitQueue), 0, END_FLAGS, waitqueue_slots};
