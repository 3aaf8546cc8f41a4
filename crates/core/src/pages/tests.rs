use super::*;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 + 1).collect()
}

fn contents(alias: &Alias, len: usize) -> &[u8] {
    // SAFETY: an alias of at least `len` bytes and a zero.
    unsafe { std::slice::from_raw_parts(alias.data().as_ptr(), len + 1) }
}

#[test]
fn an_alias_has_the_bytes_a_zero_behind_them_and_room_in_front() {
    let page = page();
    for len in [
        LEAST_ALIAS,
        LEAST_ALIAS + 1,
        20 * page - 1,
        20 * page,
        20 * page + 1,
    ] {
        let data = pattern(len);
        let pages = Pages::copy_of(&data).unwrap().unwrap();
        for start in [0, 16, page - 16, page, page + 48] {
            let alias = pages.alias(start..len, 48).unwrap();
            let bytes = contents(&alias, len - start);
            assert_eq!(
                (&bytes[..len - start], bytes[len - start]),
                (&data[start..], 0)
            );
            assert_eq!(alias.data().as_ptr() as usize % 16, 0);
            // SAFETY: 48 bytes in front are ours to write to.
            unsafe { alias.data().as_ptr().sub(48).write_bytes(7, 48) };
            assert_eq!(&contents(&alias, 16)[..16], &data[start..start + 16]);
        }
        assert!(
            pages.alias(1..len, 48).is_none(),
            "no object could start there"
        );
    }
}

#[test]
fn the_pages_cannot_be_made_writable() {
    let pages = Pages::copy_of(&pattern(LEAST_ALIAS)).unwrap().unwrap();
    let alias = pages.alias(0..LEAST_ALIAS, 0).unwrap();
    for data in [pages.data(), alias.data().as_ptr().cast_const()] {
        // SAFETY: asks for a page that is mapped, and that the kernel protects.
        let failed = unsafe {
            let page_of = data.cast_mut().cast();
            libc::mprotect(page_of, page(), libc::PROT_READ | libc::PROT_WRITE)
        };
        assert_eq!(failed, -1);
    }
}

#[test]
fn what_is_written_in_pieces_is_in_order() {
    let data = pattern(3 * LEAST_ALIAS + 5);
    for piece in [1000, LEAST_ALIAS - 1, LEAST_ALIAS, data.len()] {
        let mut filling = Filling::new();
        for part in data.chunks(piece) {
            filling.write(part).unwrap();
        }
        let pages = filling.finish().unwrap();
        assert_eq!(pages.len(), data.len());
        let alias = pages.alias(0..data.len(), 0).unwrap();
        assert_eq!(&contents(&alias, data.len())[..data.len()], data);
    }
}

#[test]
fn without_a_file_the_pages_are_shared_too() {
    let data = pattern(LEAST_ALIAS + 3);
    let filling = Filling {
        file: None,
        heap: data.clone(),
        written: 0,
    };
    let pages = filling.finish().unwrap();
    let alias = pages.alias(0..data.len(), 0).unwrap();
    drop(pages);
    assert_eq!(&contents(&alias, data.len())[..data.len()], data);
}

#[test]
fn an_alias_that_was_given_back_is_the_next_one_of_the_same() {
    let data = pattern(4 * LEAST_ALIAS);
    let pages = Pages::copy_of(&data).unwrap().unwrap();
    let (range, other) = (16..data.len(), 0..data.len());
    let alias = pages.alias(range.clone(), 48).unwrap();
    let place = alias.data();
    // SAFETY: there is room for 48 bytes in front.
    unsafe { alias.data().as_ptr().sub(48).write_bytes(7, 48) };
    pages.give_back(alias);

    for (range, front) in [(other, 48), (range.clone(), 64)] {
        assert_ne!(pages.alias(range, front).unwrap().data(), place);
    }
    let again = pages.alias(range.clone(), 48).unwrap();
    assert_eq!(again.data(), place);
    assert_eq!(
        contents(&again, data.len() - 16)[..data.len() - 16],
        data[16..]
    );

    // While it is in use, others get others; of two given back one is kept.
    let second = pages.alias(range, 48).unwrap();
    assert_ne!(second.data(), place);
    pages.give_back(second);
    pages.give_back(again);
}
