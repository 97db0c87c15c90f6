//! Makes cargo notice a newly built web side. The folders exist even when nothing was built, so that a build without
//! Node works (it embeds a placeholder page).

fn main() {
    for folder in ["../../web/dist/panel", "../../web/dist/widget"] {
        if let Err(error) = std::fs::create_dir_all(folder) {
            println!("cargo:warning={folder} cannot be created: {error}");
        }
        println!("cargo:rerun-if-changed={folder}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
