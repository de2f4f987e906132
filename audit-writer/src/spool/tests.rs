//! What is spooled comes back, and nothing stays behind.

use super::*;
use hoop_store::recording::format::Records;

fn folders(root: &Path) -> usize {
    fs::read_dir(root).unwrap().count()
}

#[tokio::test]
async fn packets_come_back_from_memory_and_from_the_disk() {
    let root = tempfile::tempdir().unwrap();
    let spool = Spool::open(root.path(), WriterId::generate()).unwrap();
    for length in [10, 40_000] {
        let packets: Vec<Vec<u8>> = (0..5u8).map(|number| vec![number; length]).collect();
        let mut piece = spool.piece(SessionId::generate());
        for packet in &packets {
            piece.append(packet).await;
        }
        assert_eq!(piece.on_disk(), 1000 < length);
        let records = Records::new(piece.read().unwrap().into());
        assert_eq!(records.map(Vec::from).collect::<Vec<_>>(), packets);
    }
}

#[tokio::test]
async fn leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not() {
    let root = tempfile::tempdir().unwrap();
    let living = Spool::open(root.path(), WriterId::generate()).unwrap();
    let mut piece = living.piece(SessionId::generate());
    piece.append(&[0; 40_000]).await;
    let dead = root.path().join("writer-dead");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join(LOCK), "").unwrap();
    fs::write(dead.join("packets"), "").unwrap();
    fs::write(root.path().join("signing.key"), "").unwrap();

    let other = Spool::open(root.path(), WriterId::generate()).unwrap();
    assert!(!dead.exists());
    assert!(root.path().join("signing.key").exists());
    assert!(piece.read().is_ok());
    assert_eq!(folders(root.path()), 3);
    drop((living, piece, other));
    assert_eq!(folders(root.path()), 1);
}

#[test]
fn nobody_else_may_look_into_the_spool() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("a/b");
    let spool = Spool::open(&root, WriterId::generate()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&root), mode(spool.path())), (0o700, 0o700));
}
