/* What an operation answers. What that needs is made before a value leaves its channel, so that no value is lost for
 * want of memory. */

static PyObject *recv_ok_answer(PyObject *value /* stolen */, int ok) {
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL) {
        Py_DECREF(value);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, value);
    PyTuple_SET_ITEM(pair, 1, PyBool_FromLong(ok));
    return pair;
}

static PyObject *select_answer(Node *node, PyObject *value /* stolen, or NULL with an error */) {
    PyObject *pair = value ? PyTuple_New(2) : NULL, *index = pair ? PyLong_FromLong(node->index) : NULL;
    if (index == NULL) {
        Py_XDECREF(pair);
        Py_XDECREF(value);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, index);
    PyTuple_SET_ITEM(pair, 1, value);
    return pair;
}

/* What will be answered, with None where the value is to stand; None itself if the value is all. */
static PyObject *answer_new(Op *op, Node *node) {
    if (op->verb == V_RECV_OK) return recv_ok_answer(Py_NewRef(Py_None), 1);
    if (op->verb != V_SELECT) return Py_NewRef(Py_None);
    return select_answer(node, node->want == RECV_OK ? recv_ok_answer(Py_NewRef(Py_None), 1) : Py_NewRef(Py_None));
}

static PyObject *answer_fill(PyObject *answer, PyObject *value /* both stolen; NULL: a send has no value */) {
    if (value == NULL) return answer;
    PyObject *pair = answer;
    int at = 0;
    if (answer == Py_None) {
        Py_DECREF(answer);
        return value;
    }
    if (PyTuple_GET_ITEM(pair, 0) != Py_None) { /* of a select: behind the index */
        at = 1;
        if (PyTuple_GET_ITEM(pair, 1) != Py_None) pair = PyTuple_GET_ITEM(pair, 1), at = 0;
    }
    Py_DECREF(PyTuple_GET_ITEM(pair, at)); /* a None */
    PyTuple_SET_ITEM(pair, at, value);
    return answer;
}

static void raise_closed(Chan *c, const char *doing, Node *node /* of a select, or NULL */) {
    PyObject *index = node ? PyLong_FromLong(node->index) : Py_NewRef(Py_None);
    PyObject *error = index ? PyObject_CallFunction(c->st->ChannelClosed, "OOs", (PyObject *)c, index, doing) : NULL;
    Py_XDECREF(index);
    if (error == NULL) return;
    PyException_SetCause(error, c->rare ? Py_XNewRef(c->rare->cause) : NULL);
    PyErr_SetObject(c->st->ChannelClosed, error);
    Py_DECREF(error);
}

/* The channel has ended: the answer, or NULL with an error. */
static PyObject *ended(Op *op, Node *node) {
    Chan *c = chan_of(node);
    switch (op->verb) {
    case V_SIGNAL_WAIT: Py_RETURN_NONE;
    case V_RECV_OK:
    case V_SIGNAL_OK: return recv_ok_answer(Py_NewRef(Py_None), 0);
    case V_NEXT:
        if (c->rare && c->rare->cause) raise_closed(c, "recv", NULL);
        else PyErr_SetNone(PyExc_StopAsyncIteration);
        return NULL;
    case V_SELECT:
        if (node->want == DONE) return select_answer(node, Py_NewRef(Py_None));
        if (node->want == RECV_OK) return select_answer(node, recv_ok_answer(Py_NewRef(Py_None), 0));
        raise_closed(c, node->want == SEND ? "send" : "recv", node);
        return NULL;
    default:
        raise_closed(c, op->verb == V_SEND ? "send" : op->verb == V_RESERVE ? "reserve" : "recv", NULL);
        return NULL;
    }
}
