using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Model;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Tests.NethereumApi;

public class SignatureTests
{
    private const string Order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

    // Deterministic signatures on secp256k1 with SHA-256, known from Trezor's and Bitcoin's tests of RFC 6979.
    [Theory]
    [InlineData("1", "Satoshi Nakamoto", "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8", "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5")]
    [InlineData("1", "All those moments will be lost in time, like tears in rain. Time to die...", "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b", "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21")]
    [InlineData("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", "Satoshi Nakamoto", "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0", "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5")]
    [InlineData("f8b8af8ce3c7cca5e300d33939540c10d45ce001b8f252bfbc57ba0342904181", "Alan Turing", "7063ae83e7f62bbb171798131b4a0564b956930092b33b07b395615d9ec7e15c", "58dfcc1e00a35e1572f366ffe34ba0fc47db1e7189759b9fb233c5b05ab388ea")]
    public void Signatures_are_deterministic_and_low(string key, string message, string r, string s)
    {
        var signature = new EthECKey(key.PadLeft(64, '0')).SignAndCalculateV(SHA256.HashData(Encoding.UTF8.GetBytes(message)));
        signature.To64ByteArray().ToHex().Should().Be(r + s);
        signature.IsLowS.Should().BeTrue();
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000001", "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf")]
    [InlineData("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    public void Addresses_of_known_keys(string key, string address) => new EthECKey(key).GetPublicAddress().Should().Be(address);

    [Fact]
    public void The_signer_is_recovered_and_verified() => Prop.ForAll<byte[]>(message =>
    {
        var key = EthECKey.GenerateKey();
        var hash = Sha3Keccack.Current.CalculateHash(message);
        var signature = key.SignAndCalculateV(hash);
        var parity = key.SignAndCalculateYParityV(hash);
        var changed = Sha3Keccack.Current.CalculateHash(hash);
        return EthECKey.RecoverFromSignature(signature, hash).GetPublicAddress() == key.GetPublicAddress()
            && EthECKey.RecoverFromParityYSignature(parity, hash).GetPublicAddress() == key.GetPublicAddress()
            && parity.V[0] == signature.V[0] - 27
            && new EthECKey(key.GetPubKey(), isPrivate: false).Verify(hash, signature)
            && !key.Verify(changed, signature)
            && !EthECKey.GenerateKey().Verify(hash, signature);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Signatures_are_those_of_cast()
    {
        var key = EthECKey.GenerateKey();
        for (var i = 0; i < 20; i++)
        {
            var hash = RandomNumberGenerator.GetBytes(32);
            EthECDSASignature.CreateStringSignature(key.SignAndCalculateV(hash))
                .Should().Be(Repository.Cast("wallet", "sign", "--no-hash", "--private-key", key.GetPrivateKey(), hash.ToHex(prefix: true)), $"key {key.GetPrivateKey()}");
        }
    }

    [Fact]
    public void A_signature_survives_the_way_to_text_and_back()
    {
        var key = EthECKey.GenerateKey();
        var hash = Sha3Keccack.Current.CalculateHashAsBytes("text");
        var text = EthECDSASignature.CreateStringSignature(key.SignAndCalculateV(hash));
        text.Should().HaveLength(132);
        new MessageSigner().EcRecover(hash, text).Should().Be(key.GetPublicAddress());
        var parity = text[..^2] + (text.EndsWith("1b", StringComparison.Ordinal) ? "00" : "01");
        new MessageSigner().EcRecover(hash, parity).Should().Be(key.GetPublicAddress(), "some wallets write 0 and 1 for 27 and 28");
    }

    [Fact]
    public void The_mirrored_signature_is_not_low()
    {
        var key = EthECKey.GenerateKey();
        var hash = Sha3Keccack.Current.CalculateHashAsBytes("text");
        var signature = key.SignAndCalculateV(hash);
        var order = new BigInteger(Order.HexToByteArray(), isUnsigned: true, isBigEndian: true);
        var mirrored = (order - new BigInteger(signature.S, isUnsigned: true, isBigEndian: true)).ToString("x64", System.Globalization.CultureInfo.InvariantCulture)[^64..];
        var other = MessageSigner.ExtractEcdsaSignature(signature.To64ByteArray().ToHex()[..64] + mirrored + (signature.V[0] == 27 ? "1c" : "1b"));
        EthECKey.RecoverFromSignature(other, hash).GetPublicAddress().Should().Be(key.GetPublicAddress());
        key.Verify(hash, other).Should().BeTrue();
        key.VerifyAllowingOnlyLowS(hash, other).Should().BeFalse();
        key.VerifyAllowingOnlyLowS(hash, signature).Should().BeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("0x1234")]
    [InlineData("0x00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001b")] // r = s = 0
    [InlineData("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036414100000000000000000000000000000000000000000000000000000000000000011b")] // r = order
    [InlineData("0x000000000000000000000000000000000000000000000000000000000000000500000000000000000000000000000000000000000000000000000000000000011b")] // no point with x = 5
    [InlineData("0x000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000000000000000000000000000000000000012d")] // V = 45
    public void Rubbish_is_no_signature(string signature) =>
        FluentActions.Invoking(() => new MessageSigner().EcRecover(new byte[32], signature)).Should().Throw<Exception>();

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData(Order)]
    public void A_number_that_is_no_private_key_is_refused(string key) => FluentActions.Invoking(() => new EthECKey(key)).Should().Throw<Exception>();

    [Fact]
    public void A_public_key_cannot_sign() => new EthECKey(EthECKey.GenerateKey().GetPubKey(), isPrivate: false)
        .Invoking(key => key.SignAndCalculateV(new byte[32])).Should().Throw<Exception>();
}
