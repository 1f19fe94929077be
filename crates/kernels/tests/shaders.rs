//! Every shader: assembles, parses, validates, agrees with its host side, keeps WebGPU's promised
//! limits, and translates to the languages of all platforms.

use device::{Access, Element, Kernel};
use kernels::rng::Stream;
use kernels::{ALL, draw_batch, embed, gate, remask, sample_explain, sample_order};
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, SubgroupOperationSet, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ScalarKind, StorageAccess, TypeInner};

/// The capabilities that a kernel may use: those that it requires.
fn capabilities(kernel: &Kernel) -> Capabilities {
    let mut capabilities = Capabilities::empty();
    let matrices = kernel.requires.matrices.is_some();
    let subgroups = kernel.requires.subgroup_size.is_some() || matrices;
    capabilities.set(Capabilities::SUBGROUP, subgroups);
    capabilities.set(Capabilities::SHADER_FLOAT16, kernel.requires.f16);
    capabilities.set(Capabilities::COOPERATIVE_MATRIX, matrices);
    capabilities
}

fn parse(kernel: &Kernel) -> (Module, ModuleInfo) {
    let source = kernel.assemble(&[]).unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(&source)));
    let info = Validator::new(ValidationFlags::all(), capabilities(kernel))
        .subgroup_stages(naga::valid::ShaderStages::COMPUTE)
        .subgroup_operations(SubgroupOperationSet::all())
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(&source)));
    (module, info)
}

#[test]
fn every_file_is_a_kernel() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shaders");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".wgsl").map(str::to_owned))
        .collect();
    files.sort();
    let mut names: Vec<&str> = ALL.iter().map(|kernel| kernel.name).collect();
    names.sort_unstable();
    assert_eq!(files, names, "shaders/*.wgsl and the names of kernels::ALL");
}

/// The members of a struct of scalars, four bytes each and side by side, as the host has them.
fn fields(module: &Module, params: &TypeInner) -> Vec<(String, Element)> {
    let TypeInner::Struct { members, .. } = params else { panic!("params: {params:?}") };
    let field = |(index, member): (u32, &naga::StructMember)| {
        assert_eq!(member.offset, 4 * index, "offset of {:?}", member.name);
        let element = match module.types[member.ty].inner {
            TypeInner::Scalar(naga::Scalar { kind: ScalarKind::Float, width: 4 }) => Element::Float,
            TypeInner::Scalar(naga::Scalar { kind: ScalarKind::Uint, width: 4 }) => Element::Word,
            ref other => panic!("{:?} is {other:?}", member.name),
        };
        (member.name.clone().unwrap_or_default(), element)
    };
    (0..).zip(members).map(field).collect()
}

#[test]
fn bindings_agree_with_the_host() {
    for kernel in ALL {
        let name = kernel.name;
        let (module, _) = parse(kernel);
        let bound = module.global_variables.iter().filter_map(|(_, variable)| {
            variable.binding.as_ref().map(|binding| (binding, variable))
        });
        let mut seen = 0;
        for (binding, variable) in bound {
            assert_eq!(binding.group, 0, "{name}: group");
            let inner = &module.types[variable.ty].inner;
            if binding.binding == 0 {
                assert_eq!(variable.space, AddressSpace::Uniform, "{name}: binding 0");
                let host = kernel.params.iter().map(|field| (field.name.to_owned(), field.element));
                assert_eq!(fields(&module, inner), host.collect::<Vec<_>>(), "{name}: params");
                continue;
            }
            seen += 1;
            let host = &kernel.bindings[binding.binding as usize - 1];
            assert_eq!(variable.name.as_deref(), Some(host.name), "{name}: name");
            let AddressSpace::Storage { access } = variable.space else {
                panic!("{name}: `{}` is not in storage", host.name);
            };
            let expected = match host.access {
                Access::Read => StorageAccess::LOAD,
                Access::Write => StorageAccess::LOAD | StorageAccess::STORE,
            };
            assert_eq!(access, expected, "{name}: access of `{}`", host.name);
            let TypeInner::Array { base, .. } = *inner else {
                panic!("{name}: `{}` is not an array", host.name);
            };
            let kind = match module.types[base].inner {
                TypeInner::Scalar(scalar) | TypeInner::Vector { scalar, .. } => scalar.kind,
                TypeInner::Atomic(scalar) => scalar.kind,
                ref other => panic!("{name}: `{}` holds {other:?}", host.name),
            };
            let expected = match host.element {
                Element::Float => ScalarKind::Float,
                Element::Word => ScalarKind::Uint,
            };
            assert_eq!(kind, expected, "{name}: element of `{}`", host.name);
        }
        assert_eq!(seen, kernel.bindings.len(), "{name}: number of storage buffers");
    }
}

/// Numbers that host and shader must agree on, each written once on either side.
#[test]
fn constants_agree_with_the_host() {
    let word = |value: u32| naga::Literal::U32(value);
    let mut found = 0;
    for kernel in ALL {
        let (module, _) = parse(kernel);
        let subgroups = kernel.requires.subgroup_size;
        for (_, constant) in module.constants.iter() {
            let expected = match constant.name.as_deref() {
                Some("EPS") => naga::Literal::F32(f32::EPSILON),
                Some("BATCH_PARTS") => word(embed::BATCH_PARTS as u32),
                Some("BEST") => word(sample_explain::BEST as u32),
                Some("GATE_CHANNELS") => word(gate::GATE_CHANNELS as u32),
                Some("LEVEL") => word(draw_batch::LEVEL as u32),
                Some("NONE") => word(sample_explain::NONE),
                Some("RUN_LENGTH") => word(embed::RUN_LENGTH as u32),
                Some("STAYS") => naga::Literal::F32(remask::STAYS),
                Some("WAITS") => naga::Literal::F32(remask::WAITS),
                Some("LEAST") => naga::Literal::F32(sample_order::LEAST),
                Some("STREAM") => word(match kernel.name {
                    "dropout_backward" | "dropout_forward" => Stream::Dropout as u32,
                    "sample_chance" | "sample_noise" => Stream::Chance as u32,
                    "sample_order" => Stream::Order as u32,
                    "sample_uniforms" => Stream::Tokens as u32,
                    other => panic!("{other}: which stream?"),
                }),
                Some("LANES") if subgroups.is_some() => word(subgroups.unwrap_or_default()),
                _ => continue,
            };
            let naga::Expression::Literal(literal) = module.global_expressions[constant.init]
            else {
                panic!("{}: {:?} is not a literal", kernel.name, constant.name);
            };
            assert_eq!(literal, expected, "{}: {:?}", kernel.name, constant.name);
            found += 1;
        }
    }
    assert!(found >= 18, "{found} constants");
}

/// Kernel, shader and file share one name: the shader's header names a host file that declares it.
#[test]
fn the_header_names_the_host_side() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for kernel in ALL {
        let name = kernel.name;
        let shader = std::fs::read_to_string(root.join(format!("shaders/{name}.wgsl")));
        let shader = shader.unwrap_or_else(|error| panic!("{name}: {error}"));
        let header = shader.lines().find(|line| line.contains("crates/kernels/src/"));
        let header = header.unwrap_or_else(|| panic!("{name}: no host side in the header"));
        let path = header.split_whitespace().find(|word| word.contains("crates/kernels/src/"));
        let path = path.unwrap_or_default().trim_end_matches(['.', ',', ';', '/']);
        let path = if path.ends_with("attention") { format!("{path}/mod.rs") } else { path.into() };
        let host = std::fs::read_to_string(root.join(&path)).unwrap_or_else(|error| {
            panic!("{name}: {path}: {error}");
        });
        assert!(host.contains(&format!("\"{name}\"")), "{path} does not declare {name}");
        let module = path.trim_start_matches("crates/kernels/src/");
        let module = module.split(['/', '.']).next().unwrap_or_default();
        assert!(name.starts_with(module), "{name} is not named for its module {module}");
    }
}

#[test]
fn kinds_of_positions_are_the_hosts() {
    let kernels = ALL.iter().filter(|kernel| kernel.source.contains("#import kinds"));
    let kernels: Vec<_> = kernels.collect();
    assert!(kernels.len() >= 6);
    for kernel in kernels {
        let (module, _) = parse(kernel);
        let value = |name: &str| {
            let named = |constant: &naga::Constant| constant.name.as_deref() == Some(name);
            let (_, constant) = module.constants.iter().find(|(_, constant)| named(constant))?;
            match module.global_expressions[constant.init] {
                naga::Expression::Literal(naga::Literal::U32(value)) => Some(value),
                _ => None,
            }
        };
        let kinds = ["GIVEN", "FREE", "FREE_NO_END"].map(value);
        let host = [remask::GIVEN, remask::FREE, remask::FREE_NO_END].map(Some);
        assert_eq!(kinds, host, "{}", kernel.name);
    }
}

#[test]
fn within_promised_limits() {
    for kernel in ALL {
        let name = kernel.name;
        let (module, _) = parse(kernel);
        assert!(kernel.bindings.len() <= 8, "{name}: storage buffers");
        let [main] = module.entry_points.as_slice() else {
            panic!("{name}: entry points");
        };
        assert_eq!(main.name, "main", "{name}: entry point");
        let [x, y, z] = main.workgroup_size;
        assert!(x * y * z <= 256 && x <= 256 && y <= 256 && z <= 64, "{name}: workgroup size");
        let memory: u32 = module
            .global_variables
            .iter()
            .filter(|(_, variable)| variable.space == AddressSpace::WorkGroup)
            .map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx()))
            .sum();
        assert!(memory <= 16_384, "{name}: {memory} bytes of workgroup memory");
    }
}

/// Attention at the widest head that is allowed.
#[test]
fn widest_heads_fit_workgroup_memory() {
    for kernel in ALL {
        let Ok(source) = kernel.assemble(&[("HEAD_DIM", 128)]) else { continue };
        let module = naga::front::wgsl::parse_str(&source).unwrap();
        let memory: u32 = module
            .global_variables
            .iter()
            .filter(|(_, variable)| variable.space == AddressSpace::WorkGroup)
            .map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx()))
            .sum();
        assert!(memory <= 16_384, "{}: {memory} bytes of workgroup memory", kernel.name);
    }
}

#[test]
fn translates_to_spirv() {
    for kernel in ALL {
        let (module, info) = parse(kernel);
        let options = spv::Options { lang_version: (1, 3), ..Default::default() };
        let pipeline = spv::PipelineOptions {
            shader_stage: naga::ShaderStage::Compute,
            entry_point: "main".to_owned(),
        };
        let words = spv::write_vec(&module, &info, &options, Some(&pipeline))
            .unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
        assert_eq!(words[0], 0x0723_0203, "{}: magic number", kernel.name);
    }
}

#[test]
fn translates_to_msl() {
    for kernel in ALL {
        let (module, info) = parse(kernel);
        let options = msl::Options {
            fake_missing_bindings: true,
            lang_version: (2, 4),
            ..Default::default()
        };
        let (text, _) = msl::write_string(&module, &info, &options, &Default::default())
            .unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
        assert!(text.contains("kernel void"), "{}: {text}", kernel.name);
    }
}

/// DirectX has no matrix units, so their kernels are left out.
#[test]
fn translates_to_hlsl() {
    for kernel in ALL.iter().filter(|kernel| kernel.requires.matrices.is_none()) {
        let (module, info) = parse(kernel);
        let options = hlsl::Options {
            shader_model: hlsl::ShaderModel::V6_0,
            fake_missing_bindings: true,
            ..Default::default()
        };
        let mut text = String::new();
        let pipeline = hlsl::PipelineOptions::default();
        hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(&module, &info, None)
            .unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
        assert!(text.contains("[numthreads("), "{}: {text}", kernel.name);
    }
}
