using System.Reflection;
using System.Runtime.InteropServices;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Math.EC;
using RandomNumberGenerator = System.Security.Cryptography.RandomNumberGenerator;

namespace Nethereum.Signer;

/// <summary>Bitcoin Core's libsecp256k1 (Debian's libsecp256k1-1), with its module for recovery.</summary>
internal sealed class LibSecp256k1 : Secp256k1
{
    private const string Library = "secp256k1";
    private const uint SignAndVerify = 0x301; // SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY; newer versions need neither
    private const uint Uncompressed = 2;
    private const int RecoveryIds = 4;

    private static readonly Lazy<nint> Context = new(CreateContext);

    /// <summary>Whether the system has it, with all that is called here.</summary>
    public static bool IsPresent { get; } = Find() != 0;

    public override ECPoint PublicKey(BigInteger privateKey)
    {
        var key = new byte[64];
        Require(ec_pubkey_create(Context.Value, key, Word(privateKey)));
        return Point(key);
    }

    public override (BigInteger R, BigInteger S, int RecoveryId) Sign(BigInteger privateKey, byte[] hash)
    {
        var (signature, compact) = (new byte[65], new byte[64]);
        // Without a nonce function of ours it is RFC 6979.
        Require(ecdsa_sign_recoverable(Context.Value, signature, hash, Word(privateKey), 0, 0));
        Require(ecdsa_recoverable_signature_serialize_compact(Context.Value, compact, out var recoveryId, signature));
        return (new BigInteger(1, compact, 0, 32), new BigInteger(1, compact, 32, 32), recoveryId);
    }

    private protected override ECPoint TryRecover(BigInteger r, BigInteger s, int recoveryId, byte[] hash)
    {
        var (signature, key) = (new byte[65], new byte[64]);
        return recoveryId is >= 0 and < RecoveryIds
            && ecdsa_recoverable_signature_parse_compact(Context.Value, signature, [.. Word(r), .. Word(s)], recoveryId) == 1
            && ecdsa_recover(Context.Value, key, signature, hash) == 1
            ? Point(key)
            : null;
    }

    private static ECPoint Point(byte[] key)
    {
        var encoded = new byte[65];
        nuint length = 65;
        Require(ec_pubkey_serialize(Context.Value, encoded, ref length, key, Uncompressed));
        return DecodePoint(encoded);
    }

    private static byte[] Word(BigInteger value)
    {
        var word = new byte[32];
        var digits = value.ToByteArrayUnsigned();
        digits.CopyTo(word, 32 - digits.Length);
        return word;
    }

    // Callers have checked what these functions refuse.
    private static void Require(int result)
    {
        if (result != 1)
        {
            throw new InvalidOperationException("libsecp256k1 refused a key, expected 1 to the curve's order - 1.");
        }
    }

    // Never freed: it lives as long as the process. Blinded, against who can watch the processor.
    private static nint CreateContext()
    {
        var context = context_create(SignAndVerify);
        Require(context_randomize(context, RandomNumberGenerator.GetBytes(32)));
        return context;
    }

    private static nint Find()
    {
        foreach (var name in (string[])["libsecp256k1.so.1", "libsecp256k1.so.2", "libsecp256k1.so.5", "libsecp256k1.so.6", "libsecp256k1.dylib"])
        {
            if (NativeLibrary.TryLoad(name, typeof(LibSecp256k1).Assembly, DllImportSearchPath.SafeDirectories, out var library))
            {
                if (!NativeLibrary.TryGetExport(library, "secp256k1_ecdsa_recover", out _))
                {
                    NativeLibrary.Free(library); // built without recovery
                    continue;
                }

                NativeLibrary.SetDllImportResolver(typeof(LibSecp256k1).Assembly, (wanted, _, _) => wanted == Library ? library : 0);
                return library;
            }
        }

        return 0;
    }

    [DllImport(Library, EntryPoint = "secp256k1_context_create")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint context_create(uint flags);

    [DllImport(Library, EntryPoint = "secp256k1_context_randomize")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int context_randomize(nint context, byte[] seed);

    [DllImport(Library, EntryPoint = "secp256k1_ec_pubkey_create")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ec_pubkey_create(nint context, [Out] byte[] key, byte[] privateKey);

    [DllImport(Library, EntryPoint = "secp256k1_ec_pubkey_serialize")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ec_pubkey_serialize(nint context, [Out] byte[] encoded, ref nuint length, byte[] key, uint flags);

    [DllImport(Library, EntryPoint = "secp256k1_ecdsa_sign_recoverable")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ecdsa_sign_recoverable(nint context, [Out] byte[] signature, byte[] hash, byte[] privateKey, nint nonceFunction, nint nonceData);

    [DllImport(Library, EntryPoint = "secp256k1_ecdsa_recoverable_signature_serialize_compact")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ecdsa_recoverable_signature_serialize_compact(nint context, [Out] byte[] compact, out int recoveryId, byte[] signature);

    [DllImport(Library, EntryPoint = "secp256k1_ecdsa_recoverable_signature_parse_compact")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ecdsa_recoverable_signature_parse_compact(nint context, [Out] byte[] signature, byte[] compact, int recoveryId);

    [DllImport(Library, EntryPoint = "secp256k1_ecdsa_recover")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ecdsa_recover(nint context, [Out] byte[] key, byte[] signature, byte[] hash);
}
