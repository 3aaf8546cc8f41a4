/* What a compiler makes of interlane.h, to be compared with what interlane was compiled with. C and C++. */
#define PY_SSIZE_T_CLEAN
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* CPython's own headers are not that strict */
#include <Python.h>
#pragma GCC diagnostic pop
#include <interlane.h>
#include <stddef.h>

static int
put(PyObject *dict, const char *name, size_t value)
{
    PyObject *number = PyLong_FromSize_t(value);
    int answer = number == NULL ? -1 : PyDict_SetItemString(dict, name, number);
    Py_XDECREF(number);
    return answer;
}

static int
put_text(PyObject *dict, const char *name, const char *value)
{
    PyObject *text = PyUnicode_FromString(value);
    int answer = text == NULL ? -1 : PyDict_SetItemString(dict, name, text);
    Py_XDECREF(text);
    return answer;
}

#define SIZE(type) put(dict, #type, sizeof(type)) < 0
#define OFFSET(type, field) put(dict, #type "." #field, offsetof(type, field)) < 0

static PyObject *
layout(PyObject *self, PyObject *args)
{
    PyObject *dict = PyDict_New();
    (void)self, (void)args;
    if (dict == NULL || put(dict, "INTERLANE_API_VERSION", INTERLANE_API_VERSION) < 0 ||
        put_text(dict, "INTERLANE_TYPE_ATTRIBUTE", INTERLANE_TYPE_ATTRIBUTE) < 0 ||
        put_text(dict, "INTERLANE_TYPE_CAPSULE", INTERLANE_TYPE_CAPSULE) < 0 ||
        put_text(dict, "INTERLANE_API_CAPSULE", INTERLANE_API_CAPSULE) < 0 ||
        SIZE(interlane_area) || OFFSET(interlane_area, data) || OFFSET(interlane_area, nbytes) ||
        OFFSET(interlane_area, itemsize) || OFFSET(interlane_area, format) || OFFSET(interlane_area, ndim) ||
        OFFSET(interlane_area, shape) || OFFSET(interlane_area, strides) || OFFSET(interlane_area, readonly) ||
        SIZE(interlane_type) || OFFSET(interlane_type, version) || OFFSET(interlane_type, size) ||
        OFFSET(interlane_type, name) || OFFSET(interlane_type, flags) || OFFSET(interlane_type, max_areas) ||
        OFFSET(interlane_type, acquire) || OFFSET(interlane_type, rebuild) || OFFSET(interlane_type, release) ||
        SIZE(interlane_api) || OFFSET(interlane_api, version) || OFFSET(interlane_api, size) ||
        OFFSET(interlane_api, register_type)) {
        Py_XDECREF(dict);
        return NULL;
    }
    return dict;
}

static PyMethodDef methods[] = {{"layout", layout, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "layout", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit_layout(void)
{
    return PyModuleDef_Init(&definition);
}
