using System.Numerics;
using System.Security.Cryptography;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Model;
using Nethereum.Signer;

namespace CapVault.Tests.Relayer;

/// <summary>What lanes send, and from where.</summary>
public sealed class LaneCallTests
{
    private const string Secret = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void A_bundle_is_put_together_as_the_ABI_has_it(int count)
    {
        var lane = LaneKey.Derive(Secret, 2)[1];
        var operations = Enumerable.Range(1, count).Select(number => new PackedUserOperation
        {
            Sender = $"0x{number:x40}",
            Nonce = number,
            InitCode = [],
            CallData = RandomNumberGenerator.GetBytes(number * 13),
            AccountGasLimits = UserOperations.AccountGasLimits(1, 2),
            PreVerificationGas = 3,
            GasFees = UserOperations.GasFees(4, 5),
            PaymasterAndData = RandomNumberGenerator.GetBytes(129),
            Signature = RandomNumberGenerator.GetBytes(65),
        }).ToList();
        var expected = new HandleOpsFunction { Ops = operations, Beneficiary = lane.Address }.GetCallData();

        var data = LaneCall.HandleOpsData([.. operations.Select(operation => new ABIEncode().GetABIParamsEncoded(operation))], lane.Eoa);

        data.Should().Equal(expected);
    }

    [Fact]
    public void What_was_signed_can_be_read_again()
    {
        var call = new LaneCall("0x4337084d9e255ff0702461cf8895ce9e3b5ff108", "0x0102", BigInteger.Pow(10, 18), 15_000_000);
        var transaction = new Transaction1559(31_337, 5, 1, 2, call.Gas, call.To, call.Value, call.Input, []);

        LaneCall.Of(new Transaction1559Signer().SignTransaction(new EthECKey(Secret), transaction).HexToByteArray()).Should().Be(call);
    }

    // Another derivation would leave the ETH and the nonces of every deployed pool behind.
    [Fact]
    public void Keys_of_a_pool_derive_from_its_secret()
    {
        var lanes = LaneKey.Derive(Secret, 3);

        lanes[0].Key.GetPrivateKey().Should().Be(Secret);
        lanes.Select(lane => lane.Address).Should().Equal(LaneKey.Derive(Secret, 5).Take(3).Select(lane => lane.Address)).And.OnlyHaveUniqueItems();
        lanes[1].Key.GetPrivateKeyAsBytes().Should().Equal(HKDF.DeriveKey(HashAlgorithmName.SHA256, Secret.HexToByteArray(), 32, info: "capvault lane 1"u8.ToArray()));
    }
}
