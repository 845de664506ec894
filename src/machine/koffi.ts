import koffi from 'koffi';

// An asynchronous call runs on a stack of koffi's own, by default of 128 KiB. XLA's GPU compiler recurses more deeply than
// that (LLVM's passes), and the process ends with signal 11 at its first compilation. A thread of the system has 8 MiB.
// Memory is taken only where a stack is used; four are kept between calls. It must be set before any library is loaded,
// so this module is the only one that imports koffi.
koffi.config({ async_stack_size: 8 << 20, resident_async_pools: 4 });

export default koffi;
