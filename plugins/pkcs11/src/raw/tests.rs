//! Modules that do not keep to what they were told.

use super::*;

/// A module of these functions, and of others that nobody calls.
fn calls(attributes: Attributes, find_more: FindMore) -> Calls {
    Calls {
        attributes,
        find: begins,
        find_more,
        find_end: ends,
        sign: None,
    }
}

fn read(attributes: Attributes, wanted: &[AttributeType]) -> Result<Vec<Attribute>, Error> {
    calls(attributes, finds_none).attributes_in(1, 2, wanted)
}

fn found(find_more: FindMore, most: usize) -> Result<usize, Error> {
    let found = calls(names_no_end, find_more).find_in(1, &[Attribute::Token(true)], most);
    found.map(|found| found.len())
}

extern "C" fn begins(
    _: ck::CK_SESSION_HANDLE,
    _: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> ck::CK_RV {
    assert_eq!(count, 1);
    ck::CKR_OK
}

extern "C" fn ends(_: ck::CK_SESSION_HANDLE) -> ck::CK_RV {
    ck::CKR_OK
}

extern "C" fn finds_none(
    _: ck::CK_SESSION_HANDLE,
    _: *mut ck::CK_OBJECT_HANDLE,
    _: ck::CK_ULONG,
    _: *mut ck::CK_ULONG,
) -> ck::CK_RV {
    ck::CKR_OK
}

extern "C" fn finds_without_end(
    _: ck::CK_SESSION_HANDLE,
    _: *mut ck::CK_OBJECT_HANDLE,
    room: ck::CK_ULONG,
    filled: *mut ck::CK_ULONG,
) -> ck::CK_RV {
    // SAFETY: The caller has a place for it.
    unsafe { filled.write(room) };
    ck::CKR_OK
}

extern "C" fn finds_more_than_fit(
    _: ck::CK_SESSION_HANDLE,
    _: *mut ck::CK_OBJECT_HANDLE,
    room: ck::CK_ULONG,
    filled: *mut ck::CK_ULONG,
) -> ck::CK_RV {
    // SAFETY: The caller has a place for it.
    unsafe { filled.write(room + 1) };
    ck::CKR_OK
}

/// Says that all went well, and of each value that it is as long as no memory is.
extern "C" fn names_no_end(
    _: ck::CK_SESSION_HANDLE,
    _: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> ck::CK_RV {
    for_each(template, count, |attribute| {
        attribute.ulValueLen = ck::CK_ULONG::MAX - 1;
    });
    ck::CKR_OK
}

/// Has another value elsewhere, and less than it says.
extern "C" fn points_elsewhere(
    _: ck::CK_SESSION_HANDLE,
    _: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> ck::CK_RV {
    for_each(template, count, |attribute| {
        attribute.type_ = ck::CKA_TRUSTED;
        attribute.pValue = ptr::dangling_mut::<u8>().cast();
        attribute.ulValueLen = 4;
    });
    ck::CKR_OK
}

/// Has values of 5,000 bytes, and room for them only where it is given.
extern "C" fn has_long_values(
    _: ck::CK_SESSION_HANDLE,
    _: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> ck::CK_RV {
    let mut answer = ck::CKR_OK;
    for_each(template, count, |attribute| {
        if attribute.ulValueLen < 5000 {
            attribute.ulValueLen = ck::CK_UNAVAILABLE_INFORMATION;
            answer = ck::CKR_BUFFER_TOO_SMALL;
            return;
        }
        // SAFETY: The caller has as much room as it says.
        unsafe { attribute.pValue.cast::<u8>().write_bytes(7, 5000) };
        attribute.ulValueLen = 5000;
    });
    answer
}

/// Knows nothing but how to say that of a flag, and that in two bytes.
extern "C" fn has_odd_flags(
    _: ck::CK_SESSION_HANDLE,
    _: ck::CK_OBJECT_HANDLE,
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
) -> ck::CK_RV {
    for_each(template, count, |attribute| match attribute.type_ {
        ck::CKA_CERTIFICATE_TYPE => {
            let number = ck::CK_ULONG::MAX / 2 - 3;
            // SAFETY: The caller has room for a number.
            unsafe {
                attribute
                    .pValue
                    .cast::<ck::CK_ULONG>()
                    .write_unaligned(number)
            };
        }
        ck::CKA_LABEL => {
            // SAFETY: The caller has room for a letter.
            unsafe { attribute.pValue.cast::<u8>().write(b'a') };
            attribute.ulValueLen = 1;
        }
        _ => attribute.ulValueLen = 2,
    });
    ck::CKR_ATTRIBUTE_TYPE_INVALID
}

extern "C" fn is_gone(
    _: ck::CK_SESSION_HANDLE,
    _: ck::CK_OBJECT_HANDLE,
    _: *mut ck::CK_ATTRIBUTE,
    _: ck::CK_ULONG,
) -> ck::CK_RV {
    ck::CKR_OBJECT_HANDLE_INVALID
}

fn for_each(
    template: *mut ck::CK_ATTRIBUTE,
    count: ck::CK_ULONG,
    mut each: impl FnMut(&mut ck::CK_ATTRIBUTE),
) {
    for place in 0..usize::try_from(count).unwrap() {
        // SAFETY: The caller has so many attributes.
        each(unsafe { &mut *template.add(place) });
    }
}

#[test]
fn lengths_that_nothing_has_are_not_believed() {
    let wanted = [AttributeType::Value, AttributeType::Label];
    assert_eq!(read(names_no_end, &wanted).unwrap(), []);
}

#[test]
fn what_is_read_is_what_was_written_to_where_it_was_to_be() {
    let read = read(points_elsewhere, &[AttributeType::Label]).unwrap();
    assert_eq!(read, [Attribute::Label(vec![0; 4])]);
}

#[test]
fn long_values_are_read_up_to_a_bound() {
    let wanted = [AttributeType::Value, AttributeType::Trusted];
    let read = read(has_long_values, &wanted).unwrap();
    assert_eq!(read, [Attribute::Value(vec![7; 5000])]);
}

#[test]
fn odd_attributes_take_nothing_from_the_others() {
    let wanted = [
        AttributeType::CertificateType,
        AttributeType::Trusted,
        AttributeType::Label,
    ];
    let read = read(has_odd_flags, &wanted).unwrap();
    assert_eq!(read, [Attribute::Label(b"a".to_vec())]);
}

#[test]
fn object_that_is_gone_is_an_error() {
    let gone = read(is_gone, &[AttributeType::Label]).unwrap_err();
    assert!(matches!(
        gone,
        Error::Pkcs11(RvError::ObjectHandleInvalid, Function::GetAttributeValue)
    ));
}

#[test]
fn endless_listing_ends_one_beyond_the_most() {
    assert_eq!(found(finds_none, 1000).unwrap(), 0);
    assert_eq!(found(finds_without_end, 1000).unwrap(), 1001);
    let lie = found(finds_more_than_fit, 1000).unwrap_err();
    assert!(matches!(lie, Error::InvalidValue));
}
