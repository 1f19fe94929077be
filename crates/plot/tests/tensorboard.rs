//! Event files: the same bytes as TensorBoard's own Python writer (tensorboard 2.21,
//! `RecordWriter` over `event_pb2.Event`); its `EventFileLoader` reads them back.

use plot::tensorboard::{file_header, scalar};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn bytes_are_those_of_the_python_writer() {
    assert_eq!(
        hex(&file_header(1_700_000_000.25)),
        "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9"
    );
    assert_eq!(
        hex(&scalar("loss/train", 300, 2.5, 1_700_000_001.5)),
        "2100000000000000017becf60900006040fc54d94110ac022a130a110a0a6c6f73732f747261696e15000020\
         403ee602cf"
    );
}
