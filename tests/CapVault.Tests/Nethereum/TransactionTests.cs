using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Model;
using Nethereum.Signer;

namespace CapVault.Tests.NethereumApi;

public class TransactionTests
{
    private const string Key = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    private const string To = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

    // Zeros have an empty encoding of their own; 128 and 256 need a length.
    [Theory]
    [InlineData(1, "0", "21000", "2000000000", "1000000000", "0", "")]
    [InlineData(31337, "128", "15000000", "1", "0", "1000000000000000000", "0x00")]
    [InlineData(8453, "256", "100000", "340282366920938463463374607431768211455", "340282366920938463463374607431768211455", "1", "0xa9059cbb00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8")]
    public void Raw_transactions_are_those_of_cast(int chainId, string nonce, string gas, string maxFee, string tip, string value, string data)
    {
        var transaction = new Transaction1559(chainId, Number(nonce), Number(tip), Number(maxFee), Number(gas), To, Number(value), data, null);
        var raw = new Transaction1559Signer().SignTransaction(new EthECKey(Key), transaction).EnsureHexPrefix();
        string[] call = data.Length == 0 ? [To] : [To, data];
        raw.Should().Be(Repository.Cast([
            "mktx", "--private-key", Key, "--chain", chainId.ToString(CultureInfo.InvariantCulture), "--nonce", nonce, "--gas-limit", gas,
            "--gas-price", maxFee, "--priority-gas-price", tip, "--value", value, .. call]));
        transaction.GetRLPEncoded().ToHex(prefix: true).Should().Be(raw);
        transaction.Hash.ToHex(prefix: true).Should().Be(Repository.Cast("keccak", raw));
    }

    [Fact]
    public void A_deployment_with_an_access_list_is_what_cast_reads()
    {
        var transaction = new Transaction1559(
            31337, 7, 1, 2, 100_000, "", 0, "0x6001600255", [new AccessListItem(To, [Enumerable.Repeat((byte)0xee, 32).ToArray(), new byte[32]])]);
        var raw = new Transaction1559Signer().SignTransaction(Key, transaction);
        // cast prints the JSON as a JSON string.
        var decoded = JsonDocument.Parse(JsonSerializer.Deserialize<string>(Repository.Cast("decode-transaction", raw.EnsureHexPrefix()))!).RootElement;
        decoded.GetProperty("signer").GetString().Should().BeEquivalentTo(new EthECKey(Key).GetPublicAddress());
        decoded.GetProperty("hash").GetString().Should().Be(transaction.Hash.ToHex(prefix: true));
        decoded.GetProperty("input").GetString().Should().Be("0x6001600255");
        decoded.TryGetProperty("to", out var to).Should().Be(to.ValueKind == JsonValueKind.Null, "a deployment has no receiver");
        var item = decoded.GetProperty("accessList")[0];
        item.GetProperty("address").GetString().Should().BeEquivalentTo(To);
        item.GetProperty("storageKeys").EnumerateArray().Select(k => k.GetString()).Should().Equal("0x" + new string('e', 64), "0x" + new string('0', 64));
    }

    [Fact]
    public void A_transaction_without_signature_cannot_be_sent() =>
        new Transaction1559(1, 0, 1, 1, 21_000, To, 0, null, null).Invoking(t => t.GetRLPEncoded()).Should().Throw<Exception>();

    private static BigInteger Number(string digits) => BigInteger.Parse(digits, CultureInfo.InvariantCulture);
}
