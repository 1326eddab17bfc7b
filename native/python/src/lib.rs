//! The Python module: converts arguments, releases the GIL, and nothing else.

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use splice::{Declined, Overlay, Place, jpeg, png};
use std::os::raw::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

pyo3::create_exception!(media_processor_native, DeclinedError, PyValueError);

/// A whole file, as a buffer that isn't copied, and how much of it changed.
#[pyclass(frozen)]
struct Spliced {
    bytes: Vec<u8>,
    #[pyo3(get)]
    changed: usize,
    #[pyo3(get)]
    blocks: usize,
    #[pyo3(get)]
    end: usize,
}

#[pymethods]
impl Spliced {
    fn __len__(&self) -> usize {
        self.bytes.len()
    }

    /// # Safety
    /// Python calls this with a `view` to be filled, which keeps the object alive.
    unsafe fn __getbuffer__(
        slf: &Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let bytes = &slf.get().bytes;
        // SAFETY: the bytes are never changed or moved while the object lives; read-only.
        let result = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                bytes.as_ptr().cast_mut().cast(),
                bytes.len() as ffi::Py_ssize_t,
                1,
                flags,
            )
        };
        if result == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

type Places = Vec<(i64, i64)>;
/// Width, height, planes, alpha.
type PyOverlay<'py> = (usize, usize, Vec<Bound<'py, PyBytes>>, Bound<'py, PyBytes>);

/// Watermarks a JPEG with an overlay at `places` (left, top).
#[pyfunction]
fn splice_jpeg(
    py: Python<'_>,
    data: &[u8],
    overlay: PyOverlay<'_>,
    places: Places,
    segments: &[u8],
    memory: usize,
) -> PyResult<Spliced> {
    let (overlay, places) = (read(&overlay), placed(places));
    run(py, || jpeg::splice(data, &overlay, &places, segments, memory))
}

/// The same for a PNG.
#[pyfunction]
fn splice_png(
    py: Python<'_>,
    data: &[u8],
    overlay: PyOverlay<'_>,
    places: Places,
    chunks: &[u8],
    memory: usize,
) -> PyResult<Spliced> {
    let (overlay, places) = (read(&overlay), placed(places));
    run(py, || png::splice(data, &overlay, &places, chunks, memory))
}

fn read<'a>((width, height, planes, alpha): &'a PyOverlay<'_>) -> Overlay<'a> {
    let planes = planes.iter().map(|plane| plane.as_bytes()).collect();
    Overlay { width: *width, height: *height, planes, alpha: alpha.as_bytes() }
}

fn placed(places: Places) -> Vec<Place> {
    places.into_iter().map(|(left, top)| Place { left, top }).collect()
}

/// Runs without the GIL. A panic would be our bug, but no reason to lose a picture.
fn run(
    py: Python<'_>,
    work: impl FnOnce() -> Result<splice::Spliced, Declined> + Send,
) -> PyResult<Spliced> {
    match py.detach(|| catch_unwind(AssertUnwindSafe(work))) {
        Ok(Ok(made)) => {
            let splice::Spliced { bytes, changed, blocks, end } = made;
            Ok(Spliced { bytes, changed, blocks, end })
        }
        Ok(Err(why)) => Err(DeclinedError::new_err(why.reason())),
        Err(_) => Err(DeclinedError::new_err("a fault in the core")),
    }
}

#[pymodule]
fn media_processor_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("Declined", module.py().get_type::<DeclinedError>())?;
    module.add_class::<Spliced>()?;
    module.add_function(wrap_pyfunction!(splice_jpeg, module)?)?;
    module.add_function(wrap_pyfunction!(splice_png, module)?)
}
