/**
 * Layout of the PJRT C API, as far as this engine calls it.
 *
 * Source: `pjrt_c_api.h` of OpenXLA, API version 0.81 (Apache-2.0), shipped in PyPI's `xla-cpu-pjrt`. The API only
 * grows at the end of its structs within a major version, so the table holds for every later minor version too;
 * `tests/engines/xla-pjrt-layout.test.ts` compares it with the header wherever that is found.
 */
export const API_VERSION = { major: 0, minor: 81 } as const;

/**
 * Oldest minor version whose structs start with the fields below. Older plugins predate the argument order of
 * `PJRT_Executable_DeserializeAndLoad` and the CUDA 12 wheels that can still be had.
 */
export const OLDEST_MINOR = 60;

/** Sizes in bytes, equal to the alignments, of C types on the 64-bit machines that plugins exist for. */
export const FIELD_SIZES = { pointer: 8, size: 8, int64: 8, int32: 4 } as const;
export type FieldType = keyof typeof FIELD_SIZES;

/** Fields in the order of the header, after the `struct_size` and `extension_start` that every struct begins with. */
export const STRUCTS = {
  PJRT_Error_Destroy_Args: { error: 'pointer' },
  PJRT_Error_Message_Args: { error: 'pointer', message: 'pointer', message_size: 'size' },
  PJRT_Error_GetCode_Args: { error: 'pointer', code: 'int32' },
  PJRT_Plugin_Initialize_Args: {},
  PJRT_Event_Destroy_Args: { event: 'pointer' },
  PJRT_Event_Await_Args: { event: 'pointer' },
  PJRT_NamedValue: {
    name: 'pointer',
    name_size: 'size',
    type: 'int32',
    // A union of pointer, int64, float and bool, all at this offset.
    value: 'pointer',
    value_size: 'size',
  },
  PJRT_Client_Create_Args: {
    create_options: 'pointer',
    num_options: 'size',
    kv_get_callback: 'pointer',
    kv_get_user_arg: 'pointer',
    kv_put_callback: 'pointer',
    kv_put_user_arg: 'pointer',
    client: 'pointer',
    kv_try_get_callback: 'pointer',
    kv_try_get_user_arg: 'pointer',
  },
  PJRT_Client_Destroy_Args: { client: 'pointer' },
  PJRT_Client_PlatformName_Args: {
    client: 'pointer',
    platform_name: 'pointer',
    platform_name_size: 'size',
  },
  PJRT_Client_PlatformVersion_Args: {
    client: 'pointer',
    platform_version: 'pointer',
    platform_version_size: 'size',
  },
  PJRT_Client_AddressableDevices_Args: {
    client: 'pointer',
    addressable_devices: 'pointer',
    num_addressable_devices: 'size',
  },
  PJRT_Program: { code: 'pointer', code_size: 'size', format: 'pointer', format_size: 'size' },
  PJRT_Client_Compile_Args: {
    client: 'pointer',
    program: 'pointer',
    compile_options: 'pointer',
    compile_options_size: 'size',
    executable: 'pointer',
  },
  PJRT_Client_BufferFromHostBuffer_Args: {
    client: 'pointer',
    data: 'pointer',
    type: 'int32',
    dims: 'pointer',
    num_dims: 'size',
    byte_strides: 'pointer',
    num_byte_strides: 'size',
    host_buffer_semantics: 'int32',
    device: 'pointer',
    memory: 'pointer',
    device_layout: 'pointer',
    done_with_host_buffer: 'pointer',
    buffer: 'pointer',
  },
  PJRT_Device_GetDescription_Args: { device: 'pointer', device_description: 'pointer' },
  PJRT_DeviceDescription_Id_Args: { device_description: 'pointer', id: 'int32' },
  PJRT_DeviceDescription_Kind_Args: {
    device_description: 'pointer',
    device_kind: 'pointer',
    device_kind_size: 'size',
  },
  PJRT_Executable_Destroy_Args: { executable: 'pointer' },
  PJRT_Executable_Serialize_Args: {
    executable: 'pointer',
    serialized_bytes: 'pointer',
    serialized_bytes_size: 'size',
    serialized_executable: 'pointer',
    serialized_executable_deleter: 'pointer',
  },
  PJRT_Executable_DeserializeAndLoad_Args: {
    client: 'pointer',
    serialized_executable: 'pointer',
    serialized_executable_size: 'size',
    loaded_executable: 'pointer',
    overridden_serialized_compile_options: 'pointer',
    overridden_serialized_compile_options_size: 'size',
  },
  PJRT_LoadedExecutable_Destroy_Args: { executable: 'pointer' },
  PJRT_LoadedExecutable_GetExecutable_Args: { loaded_executable: 'pointer', executable: 'pointer' },
  PJRT_ExecuteOptions: {
    send_callbacks: 'pointer',
    recv_callbacks: 'pointer',
    num_send_ops: 'size',
    num_recv_ops: 'size',
    launch_id: 'int32',
    non_donatable_input_indices: 'pointer',
    num_non_donatable_input_indices: 'size',
    context: 'pointer',
    call_location: 'pointer',
    num_tasks: 'size',
    task_ids: 'pointer',
    incarnation_ids: 'pointer',
  },
  PJRT_LoadedExecutable_Execute_Args: {
    executable: 'pointer',
    options: 'pointer',
    argument_lists: 'pointer',
    num_devices: 'size',
    num_args: 'size',
    output_lists: 'pointer',
    device_complete_events: 'pointer',
    execute_device: 'pointer',
  },
  PJRT_TopologyDescription_Create_Args: {
    topology_name: 'pointer',
    topology_name_size: 'size',
    create_options: 'pointer',
    num_options: 'size',
    topology: 'pointer',
  },
  PJRT_TopologyDescription_Destroy_Args: { topology: 'pointer' },
  PJRT_Compile_Args: {
    topology: 'pointer',
    program: 'pointer',
    compile_options: 'pointer',
    compile_options_size: 'size',
    client: 'pointer',
    executable: 'pointer',
  },
  PJRT_Executable_GetCompiledMemoryStats_Args: {
    executable: 'pointer',
    generated_code_size_in_bytes: 'int64',
    argument_size_in_bytes: 'int64',
    output_size_in_bytes: 'int64',
    alias_size_in_bytes: 'int64',
    temp_size_in_bytes: 'int64',
    host_generated_code_size_in_bytes: 'int64',
    host_argument_size_in_bytes: 'int64',
    host_output_size_in_bytes: 'int64',
    host_alias_size_in_bytes: 'int64',
    host_temp_size_in_bytes: 'int64',
    peak_memory_in_bytes: 'int64',
  },
  PJRT_Buffer_Destroy_Args: { buffer: 'pointer' },
  PJRT_Buffer_ToHostBuffer_Args: {
    src: 'pointer',
    host_layout: 'pointer',
    dst: 'pointer',
    dst_size: 'size',
    event: 'pointer',
  },
} as const satisfies Record<string, Record<string, FieldType>>;

export type StructName = keyof typeof STRUCTS;

/** Position of each function in `PJRT_Api`, counted from the first function pointer. */
export const FUNCTIONS = {
  PJRT_Error_Destroy: 0,
  PJRT_Error_Message: 1,
  PJRT_Error_GetCode: 2,
  PJRT_Plugin_Initialize: 3,
  PJRT_Event_Destroy: 5,
  PJRT_Event_Await: 8,
  PJRT_Client_Create: 10,
  PJRT_Client_Destroy: 11,
  PJRT_Client_PlatformName: 12,
  PJRT_Client_PlatformVersion: 14,
  PJRT_Client_AddressableDevices: 16,
  PJRT_Client_Compile: 20,
  PJRT_Client_BufferFromHostBuffer: 22,
  PJRT_DeviceDescription_Id: 23,
  PJRT_DeviceDescription_Kind: 26,
  PJRT_Device_GetDescription: 29,
  PJRT_Executable_Destroy: 40,
  PJRT_Executable_Serialize: 49,
  PJRT_LoadedExecutable_Destroy: 50,
  PJRT_LoadedExecutable_GetExecutable: 51,
  PJRT_LoadedExecutable_Execute: 55,
  PJRT_Executable_DeserializeAndLoad: 56,
  PJRT_Buffer_Destroy: 58,
  PJRT_Buffer_ToHostBuffer: 70,
  PJRT_TopologyDescription_Create: 82,
  PJRT_TopologyDescription_Destroy: 83,
  PJRT_Compile: 89,
  PJRT_Executable_GetCompiledMemoryStats: 96,
} as const;

export type FunctionName = keyof typeof FUNCTIONS;
/** The struct that a function takes. */
export type ArgsOf<F extends FunctionName> = `${F}_Args`;

/** Head of `PJRT_Api`: its own size, the extension chain, then `PJRT_Api_Version` with its own head. */
export const API_HEAD = { structSize: 0, major: 32, minor: 36, functions: 40 } as const;

/** `PJRT_Buffer_Type`. */
export const BUFFER_TYPES = { i1: 1, i32: 4, ui8: 6, f32: 11, bf16: 13 } as const;
export type ElementType = keyof typeof BUFFER_TYPES;

/** Bytes of one element on the host. */
export const ELEMENT_BYTES: Record<ElementType, number> = {
  i1: 1,
  i32: 4,
  ui8: 1,
  f32: 4,
  bf16: 2,
};

/** `PJRT_HostBufferSemantics_kImmutableUntilTransferCompletes`. */
export const IMMUTABLE_UNTIL_TRANSFER_COMPLETES = 1;

/** `PJRT_NamedValue_Type`. */
export const NAMED_VALUE_TYPES = { string: 0, int64: 1, int64List: 2, float: 3, bool: 4 } as const;
export type NamedValueType = keyof typeof NAMED_VALUE_TYPES;

/** `PJRT_Error_Code_RESOURCE_EXHAUSTED`. */
export const RESOURCE_EXHAUSTED = 8;

/** Every struct begins with `size_t struct_size; PJRT_Extension_Base* extension_start`. */
export const STRUCT_HEAD_BYTES = 16;

export interface StructLayout {
  /** Offset in bytes and type of each field. */
  fields: Record<string, { offset: number; type: FieldType }>;
  /** `sizeof`, padded to the alignment of a pointer. */
  size: number;
}

/** Offsets by the rules of C: each field at the next multiple of its size. */
export function layoutOf(name: StructName): StructLayout {
  const fields: StructLayout['fields'] = {};
  let offset = STRUCT_HEAD_BYTES;
  for (const [field, type] of Object.entries(STRUCTS[name]) as [string, FieldType][]) {
    const size = FIELD_SIZES[type];
    offset = Math.ceil(offset / size) * size;
    fields[field] = { offset, type };
    offset += size;
  }
  return { fields, size: Math.ceil(offset / 8) * 8 };
}
