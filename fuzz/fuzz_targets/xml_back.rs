#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kanca_fuzz::xml_back(bytes));
